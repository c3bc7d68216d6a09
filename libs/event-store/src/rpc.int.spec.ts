import {
  buildConsumer,
  buildRequestSubject,
  L3afError,
  nodeRpcSubject,
  type L3afEvent,
} from '@l3af/contracts';
import { startNats, waitFor, type TestNats } from '@l3af/testing';
import { connectBus, queryConfig, requestNode, serveNode, type Bus, type Work } from './index';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
let nats: TestNats;
let bus: Bus;
beforeEach(async () => {
  nats = await startNats();
  bus = await connectBus({ servers: nats.url, name: 'rpc', log });
});
afterEach(async () => {
  await bus.close();
  await nats.stop();
});

describe('requestNode()', () => {
  test('gets the answer of the node, or its refusal as it is', async () => {
    const node = await serveNode(bus, 'eth.node', {
      chains: ({ hook }) => {
        if (hook === 'xdp') return [];
        throw new L3afError('unknown-chain', 'no such chain', { details: { hook } });
      },
    });
    expect(await requestNode(bus, 'eth.node', 'chains', { hook: 'xdp' })).toEqual([]);
    const refused = requestNode(bus, 'eth.node', 'chains', { hook: 'tc-egress' });
    await expect(refused).rejects.toMatchObject({ code: 'unknown-chain', details: { hook: 'tc-egress' } });
    const bad = requestNode(bus, 'eth.node', 'chains', { hook: 'nowhere' } as never);
    await expect(bad).rejects.toMatchObject({ code: 'invalid-request' });
    await node.stop();
    await bus.nc.flush();
    await expect(requestNode(bus, 'eth.node', 'chains', {})).rejects.toMatchObject({ code: 'node-silent' });
  });

  test('gives defaults of the request to the handler, and survives garbage and answers that are too large', async () => {
    const entry = { key: 'x'.repeat(1000), value: 1 };
    await serveNode(bus, 'demo-1', {
      'map-dump': ({ map, limit }) => ({
        ...{ map, type: 'hash', truncated: false },
        entries: Array.from({ length: limit }, () => entry),
      }),
    });
    bus.nc.publish(nodeRpcSubject('demo-1', 'map-dump'), '{');
    const request = { interface: 'l3af0', hook: 'xdp', kf: 'a', map: 'm' } as const;
    const small = await requestNode(bus, 'demo-1', 'map-dump', { ...request, limit: 3 });
    expect(small.entries).toHaveLength(3);
    const large = requestNode(bus, 'demo-1', 'map-dump', request);
    await expect(large).rejects.toMatchObject({ code: 'payload-too-large' });
  });
});

test('queryConfig() says store-unavailable when nobody answers', async () => {
  await expect(queryConfig(bus, 'nodes.list', {})).rejects.toMatchObject({ code: 'store-unavailable' });
});

describe('workQueue()', () => {
  const request = (build: string): L3afEvent => ({
    type: 'BuildRequested',
    version: 1,
    data: { build, source: { kind: 'git', url: 'https://example.org/kf.git' } },
  });
  const ask = async (...builds: string[]): Promise<void> => {
    for (const build of builds) {
      await bus.store.append({
        subject: buildRequestSubject(build),
        events: [request(build)],
        actor: 'test',
      });
    }
  };
  const nameOf = ({ stored }: Work): string => stored.subject.split('.').at(-1)!;
  const consumer = { ...buildConsumer, ackWaitMs: 600 };

  test('gives each piece of work to one of several workers', async () => {
    const done: string[] = [];
    const worker = async (work: Work): Promise<void> => void (await Promise.resolve(done.push(nameOf(work))));
    const queues = [bus.workQueue({ consumer }, worker), bus.workQueue({ consumer, concurrency: 2 }, worker)];
    const names = Array.from({ length: 12 }, (_, i) => `b${i}`);
    await ask(...names);
    await waitFor(() => done.length === 12, 'all work');
    expect([...done].sort()).toEqual([...names].sort());
    await Promise.all(queues.map((queue) => queue.stop()));
  });

  test('work that takes longer than the wait is not given out twice', async () => {
    // Long enough for a busy machine to say in time that it is still at it.
    const slow = { ...consumer, durable: 'slow', ackWaitMs: 3_000 };
    let runs = 0;
    const queue = bus.workQueue({ consumer: slow, concurrency: 2 }, async () => {
      runs++;
      await new Promise((resolve) => setTimeout(resolve, 2 * slow.ackWaitMs));
    });
    await ask('long');
    const pending = async (): Promise<number> => {
      const info = await (await bus.nc.jetstreamManager()).consumers.info('L3AF_EVENTS', slow.durable);
      return info.ack_floor.stream_seq;
    };
    await waitFor(async () => (await pending()) === 1, 'the acknowledgement');
    expect(runs).toBe(1);
    await queue.stop();
  });

  test('the work of a worker that vanished goes to another one', async () => {
    const doomed = await connectBus({ servers: nats.url, name: 'doomed', log });
    let taken = 0;
    doomed.workQueue({ consumer }, async () => {
      taken++;
      await doomed.nc.close(); // as good as kill -9: no heartbeat, no acknowledgement
      await new Promise(() => undefined);
    });
    await ask('b1');
    await waitFor(() => taken === 1, 'the doomed worker');
    const deliveries: number[] = [];
    const queue = bus.workQueue(
      { consumer },
      async ({ delivery }) => void (await Promise.resolve(deliveries.push(delivery))),
    );
    await waitFor(() => deliveries.length === 1, 'the other worker');
    expect(deliveries).toEqual([2]);
    await queue.stop();
  });

  test('work that throws is tried again, a bounded number of times, and told when it is the last', async () => {
    const last: boolean[] = [];
    const few = { ...consumer, durable: 'few', deliveriesMax: 5 };
    const queue = bus.workQueue({ consumer: few, retryDelayMs: 10 }, ({ lastDelivery }) => {
      last.push(lastDelivery);
      return Promise.reject(new Error('refused'));
    });
    await ask('poison');
    await waitFor(() => last.length === few.deliveriesMax, 'all tries');
    await ask('next');
    await waitFor(() => last.length > few.deliveriesMax, 'the next work');
    expect(last.slice(0, 6)).toEqual([false, false, false, false, true, false]);
    await queue.stop();
  });

  test('a worker that stops leaves its work to others at once', async () => {
    // A lane that waits for work must not keep what the other one gives back, and the wait is longer than a test may take.
    const patient = { consumer: { ...consumer, ackWaitMs: 3_600_000 }, concurrency: 2 };
    let started = 0;
    await ask('b1');
    for (let round = 1; round <= 3; round++) {
      const leaving = bus.workQueue(patient, async ({ signal }) => {
        started++;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return 'again';
      });
      await waitFor(() => started === round, 'the work to start', { timeoutMs: 30_000 });
      await leaving.stop();
    }
    let done = 0;
    const second = bus.workQueue(patient, async () => void (await Promise.resolve(done++)));
    await waitFor(() => done === 1, 'the work to be done by another', { timeoutMs: 30_000 });
    await second.stop();
  });
});
