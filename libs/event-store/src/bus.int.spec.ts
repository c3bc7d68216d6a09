import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { eventStream, liveChainSubjects, parseChainSubject } from '@l3af/contracts';
import { startNats, waitFor, type TestNats } from '@l3af/testing';
import { connect, RetentionPolicy, StorageType, type JetStreamManager, type NatsConnection } from 'nats';
import { connectBus, type Bus, type LiveMessage } from './index';
import { natsAddress, olderThan } from './connect-bus';
import { cleared, codeOf, demo } from './store.contract';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const actor = 'test';

async function withBus(run: (bus: Bus, nats: TestNats) => Promise<void>): Promise<void> {
  const nats = await startNats();
  const bus = await connectBus({ servers: nats.url, name: 'bus-spec', log: silent });
  try {
    await run(bus, nats);
  } finally {
    await bus.close();
    await nats.stop();
  }
}

describe('connectBus()', () => {
  test('waits for a server that is not there yet', async () => {
    const nats = await startNats();
    await nats.halt();
    const connecting = connectBus({ servers: nats.url, name: 'early', log: silent });
    await nats.restart();
    const bus = await connecting;
    expect(bus.status()).toMatchObject({ connected: true, reconnects: 0 });
    await bus.close();
    await nats.stop();
  });

  test('stops waiting when asked to', async () => {
    const waiting = connectBus({
      servers: 'nats://127.0.0.1:1',
      name: 'never',
      log: silent,
      signal: AbortSignal.timeout(100),
    });
    await expect(waiting).rejects.toMatchObject({
      name: expect.stringMatching(/AbortError|TimeoutError/) as string,
    });
  });

  test('refuses a server without JetStream', async () => {
    const nats = await startNats({ jetStream: false });
    const refused = connectBus({ servers: nats.url, name: 'plain', log: silent });
    await expect(refused).rejects.toMatchObject({
      code: 'bus-unsuitable',
      message: expect.stringContaining('JetStream is not enabled, needs nats-server -js') as string,
    });
    await nats.stop();
  });

  test('refuses a server that is too old', async () => {
    const old = createServer((socket) => {
      const info = {
        server_id: 'OLD',
        version: '2.8.4',
        max_payload: 1_048_576,
        proto: 1,
        headers: true,
        jetstream: true,
      };
      socket.write(`INFO ${JSON.stringify(info)}\r\n`);
      socket.on('data', (data) => data.toString().includes('PING') && socket.write('PONG\r\n'));
      socket.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await waitFor(() => old.listening, 'the old server');
    const { port } = old.address() as AddressInfo;
    const refused = connectBus({ servers: `nats://127.0.0.1:${port}`, name: 'old', log: silent });
    await expect(refused).rejects.toMatchObject({
      code: 'bus-unsuitable',
      message: expect.stringContaining('it is version 2.8.4, needs 2.9.10 or newer') as string,
    });
    await new Promise((resolve) => old.close(resolve));
  });

  test('sends the user and password of the URL', async () => {
    const config = 'authorization { user: "l3af", password: "p@ss:word" }';
    const nats = await startNats({ config });
    const url = `nats://l3af:${encodeURIComponent('p@ss:word')}@127.0.0.1:${nats.port}`;
    const bus = await connectBus({ servers: url, name: 'with-password', log: silent });
    expect(bus.status().connected).toBe(true);
    await bus.close();
    await nats.stop();
  });

  test.each([
    ['2.9.9', '2.9.10', true],
    ['2.9.10', '2.9.10', false],
    ['2.10.0-RC.1', '2.9.10', false],
    ['1.99.99', '2.9.10', true],
  ])('olderThan(%s, %s) is %s', (version, minimum, expected) => {
    expect(olderThan(version, minimum)).toBe(expected);
  });

  test('natsAddress() keeps credentials out of the addresses', () => {
    expect(natsAddress('nats://u:p@a:1, nats://b:2')).toEqual({
      servers: ['nats://a:1', 'nats://b:2'],
      user: 'u',
      pass: 'p',
    });
    expect(natsAddress('127.0.0.1:4222')).toEqual({ servers: ['127.0.0.1:4222'] });
  });
});

describe('the event stream', () => {
  let nats: TestNats;
  let nc: NatsConnection;
  let jsm: JetStreamManager;
  const open = (name = 'second'): Promise<Bus> => connectBus({ servers: nats.url, name, log: silent });
  const { name, republish } = eventStream;
  const subjects = [...eventStream.subjects];

  beforeEach(async () => {
    nats = await startNats();
    nc = await connect({ servers: nats.url });
    jsm = await nc.jetstreamManager();
  });
  afterEach(async () => {
    await nc.close();
    await nats.stop();
  });

  test('gets our settings, whatever it had, and keeps its events', async () => {
    await jsm.streams.add({ name, republish, subjects: ['l3af.evt.chain.>'], max_age: 3_600_000_000_000 });
    await nc.jetstream().publish('l3af.evt.chain.x', 'kept');
    const bus = await open();
    const { config, state } = await jsm.streams.info(name);
    expect(config).toMatchObject({ subjects, republish, allow_direct: true, max_age: 0, discard: 'new' });
    expect(state.messages).toBe(1);
    await bus.close();
  });

  test.each([
    [
      'retention is "workqueue", needs "limits"',
      { subjects, republish, retention: RetentionPolicy.Workqueue },
    ],
    ['storage is "memory", needs "file"', { subjects, republish, storage: StorageType.Memory }],
    ['can not change republish', { subjects }],
  ])('is refused when its %s', async (reason, config) => {
    await jsm.streams.add({ name, ...config });
    await expect(open()).rejects.toMatchObject({
      code: 'bus-unsuitable',
      message: expect.stringContaining(reason) as string,
    });
  });

  test('is made once by services that start together', async () => {
    const buses = await Promise.all(['a', 'b', 'c', 'd'].map(open));
    expect(await buses[0]!.store.lastSequence()).toBe(0);
    await Promise.all(buses.map((bus) => bus.close()));
  });
});

describe('live messages', () => {
  test('a stored chain event arrives with its sequence, its trace and the one before', () =>
    withBus(async (bus) => {
      const seen: LiveMessage[] = [];
      bus.subscribeLive(liveChainSubjects('demo-1'), (message) => void seen.push(message));
      await bus.nc.flush();
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      await bus.store.append({ subject: demo('a'), events: [cleared(1, 'a')], actor, traceparent });
      await bus.store.append({ subject: demo('b'), events: [cleared(1, 'b')], actor });
      await bus.store.append({ subject: demo('a'), events: [cleared(2, 'a')], actor });
      await waitFor(() => seen.length === 3, 'three live events');
      expect(seen.map(({ stored, previousSequence }) => [stored?.sequence, previousSequence])).toEqual([
        [1, 0],
        [2, 0],
        [3, 1],
      ]);
      expect(seen[0]?.stored?.traceparent).toBe(traceparent);
      expect(seen[0]?.subject).toBe('l3af.live.chain.demo-1.a.xdp');
      expect(parseChainSubject(seen[0]!.subject)).toEqual({ node: 'demo-1', interface: 'a', hook: 'xdp' });
      expect(await bus.store.last(demo('a'))).toMatchObject({ sequence: 3, subject: demo('a') });
    }));

  test('a publish that the stream refused is not seen', () =>
    withBus(async (bus) => {
      const seen: unknown[] = [];
      bus.subscribeLive('l3af.live.>', ({ stored }) => void seen.push(stored?.events[0]?.data));
      await bus.nc.flush();
      await bus.store.append({ subject: demo('a'), events: [cleared(1, 'a')], actor });
      const late = bus.store.append({
        subject: demo('a'),
        events: [cleared(9, 'a')],
        actor,
        expectedSequence: 0,
      });
      expect(await codeOf(late)).toBe('conflict');
      await bus.store.append({ subject: demo('a'), events: [cleared(2, 'a')], actor });
      await waitFor(() => seen.length >= 2, 'two live events');
      expect(seen).toMatchObject([{ revision: 1 }, { revision: 2 }]);
    }));

  test('a handler that throws and a message that is not JSON do not end the subscription', () =>
    withBus(async (bus) => {
      const seen: unknown[] = [];
      bus.subscribeLive('l3af.node.*.status', ({ data }) => {
        seen.push(data);
        if (seen.length === 1) throw new Error('refused');
      });
      bus.publishLive('l3af.node.a.status', { n: 1 });
      bus.nc.publish('l3af.node.a.status', '{');
      bus.publishLive('l3af.node.a.status', { n: 2 });
      await waitFor(() => seen.length === 2, 'both messages');
      expect(seen).toEqual([{ n: 1 }, { n: 2 }]);
    }));
});
