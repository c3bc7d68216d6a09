import { buckets, buildConsumer, buildRequestSubject, type L3afEvent } from '@l3af/contracts';
import { startNats, waitFor, type TestNats } from '@l3af/testing';
import { connectBus, type Bus } from './index';
import { cleared, codeOf, collect, demo } from './store.contract';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const actor = 'test';

let nats: TestNats;
let bus: Bus;
beforeEach(async () => {
  nats = await startNats();
  bus = await connectBus({ servers: nats.url, name: 'outage', log });
});
afterEach(async () => {
  await bus.close();
  await nats.stop();
});

const append = (revision: number, timeoutMs?: number): Promise<{ sequence: number }> =>
  bus.store.append({
    ...{ subject: demo('l3af0'), events: [cleared(revision)], actor },
    ...(timeoutMs !== undefined && { timeoutMs }),
  });

test('an append during an outage fails with bus-unavailable in bounded time and is not stored later', async () => {
  await append(1);
  await nats.halt();
  await waitFor(() => !bus.status().connected, 'the outage to be noticed');
  expect(await codeOf(append(2, 1_000))).toBe('bus-unavailable');
  await nats.restart();
  await append(3, 60_000);
  const revisions = (await collect(bus.store.read())).map(({ envelope }) => envelope.events[0]?.data);
  expect(revisions).toMatchObject([{ revision: 1 }, { revision: 3 }]);
});

test('an append during a short outage succeeds once NATS is back, once', async () => {
  await nats.halt();
  const pending = append(1, 60_000);
  await nats.restart();
  expect((await pending).sequence).toBe(1);
  expect(await bus.store.lastSequence()).toBe(1);
});

test('what was acknowledged is there after NATS is killed at any time, and nothing is there twice', async () => {
  const acknowledged: number[] = [];
  let going = true;
  const writing = (async () => {
    for (let revision = 1; going; revision++) {
      await append(revision, 60_000);
      acknowledged.push(revision);
    }
  })();
  for (let kill = 1; kill <= 3; kill++) {
    const target = acknowledged.length + 20;
    await waitFor(() => acknowledged.length >= target, '20 more events');
    await nats.restart();
  }
  going = false;
  await writing;
  const stored = (await collect(bus.store.read())).map(({ events }) =>
    events[0]?.type === 'ChainCleared' ? events[0].data.revision : 0,
  );
  expect(stored).toEqual(acknowledged);
});

test('follow() gives every event once and in order over restarts', async () => {
  const seen: number[] = [];
  const stop = new AbortController();
  const following = (async () => {
    for await (const { sequence } of bus.store.follow({ signal: stop.signal })) seen.push(sequence);
  })();
  for (let round = 0; round < 3; round++) {
    for (let i = 1; i <= 50; i++) await append(round * 50 + i, 60_000);
    await nats.restart(round === 0 ? 'SIGTERM' : 'SIGKILL');
  }
  await append(151, 60_000);
  await waitFor(() => seen.length >= 151, 'all events');
  stop.abort();
  await following;
  expect(seen).toEqual(Array.from({ length: 151 }, (_, i) => i + 1));
});

test('a live subscription goes on after a restart', async () => {
  const seen: number[] = [];
  let reconnects = 0;
  bus.onReconnect(() => reconnects++);
  bus.subscribeLive('l3af.live.chain.>', ({ stored }) => void seen.push(stored?.sequence ?? 0));
  await bus.nc.flush();
  await append(1);
  await nats.restart();
  await append(2, 60_000);
  await waitFor(() => seen.length === 2, 'both events');
  expect(seen).toEqual([1, 2]);
  expect(reconnects).toBe(1);
});

test('work is taken after a restart', async () => {
  const done: string[] = [];
  const queue = bus.workQueue({ consumer: buildConsumer }, async ({ stored }) => {
    done.push(stored.subject);
    return Promise.resolve('done');
  });
  const request = (build: string): L3afEvent => ({
    type: 'BuildRequested',
    version: 1,
    data: { build, source: { kind: 'git', url: 'https://example.org/kf.git' } },
  });
  const ask = (build: string): Promise<unknown> =>
    bus.store.append({
      subject: buildRequestSubject(build),
      events: [request(build)],
      actor,
      timeoutMs: 60_000,
    });
  await ask('b1');
  await waitFor(() => done.length === 1, 'the first build');
  await nats.restart();
  await ask('b2');
  await waitFor(() => done.length === 2, 'the second build');
  expect(done).toEqual([buildRequestSubject('b1'), buildRequestSubject('b2')]);
  await queue.stop();
});

test('objects and keys that were stored are there after a restart', async () => {
  const objects = bus.objects(buckets.logs);
  const { digest } = await objects.put(Buffer.from('log'));
  const revision = await bus.keyValue('tags').put('firewall/1.0.0', 'x');
  await nats.restart();
  expect(Buffer.from(await objects.get(digest)).toString()).toBe('log');
  expect((await bus.keyValue('tags').get('firewall/1.0.0'))?.revision).toBe(revision);
});

test('close() returns while NATS is away', async () => {
  await nats.halt();
  await waitFor(() => !bus.status().connected, 'the outage to be noticed');
  await bus.close();
  expect(await codeOf(append(1, 500))).toBe('bus-unavailable');
});
