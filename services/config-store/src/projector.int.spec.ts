import { chainSubject, nodeSubject, type L3afEvent } from '@l3af/contracts';
import { connectBus, Projector, type Bus, type Projection } from '@l3af/event-store';
import { createLogger } from '@l3af/telemetry';
import { startNats, startPostgres, waitFor, type TestNats, type TestPostgres } from '@l3af/testing';
import { DataSource } from 'typeorm';
import { chainRevised, demo, nodeRegistered } from './testing/events';

const log = createLogger('test', 'silent');

let nats: TestNats;
let postgres: TestPostgres;
let bus: Bus;
let database: DataSource;
let projectors: Projector[];
let databases = 0;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

beforeEach(async () => {
  nats = await startNats();
  bus = await connectBus({ servers: nats.url, name: 'projector', log });
  projectors = [];
  database = await openDatabase(await postgres.createDatabase(`projector_${databases++}`));
});
afterEach(async () => {
  await Promise.all(projectors.map((projector) => projector.stop()));
  await database.destroy();
  await bus.close();
  await nats.stop();
});

async function openDatabase(url: string): Promise<DataSource> {
  const opened = new DataSource({ type: 'postgres', url, poolErrorHandler: () => undefined });
  await opened.initialize();
  await opened.query(
    'create table seen (projection text, sequence bigint, primary key (projection, sequence))',
  );
  return opened;
}

/** A projection that notes every event that it saw, and takes none that `refuses` names. */
function noting(
  name: string,
  subjects: string[],
  refuses: (event: L3afEvent) => boolean = () => false,
): Projection {
  return {
    ...{ name, subjects, version: 1 },
    async apply(manager, stored) {
      for (const { sequence, events } of stored) {
        if (events.some(refuses)) throw new Error('this event is refused');
        await manager.query('insert into seen values ($1, $2)', [name, sequence]);
      }
    },
    async clear(manager) {
      await manager.query('delete from seen where projection = $1', [name]);
    },
  };
}

function start(...projections: Projection[]): Projector {
  const projector = new Projector({ store: bus.store, dataSource: database, projections, log, batchMax: 50 });
  projectors.push(projector);
  projector.start();
  return projector;
}

const seen = async (name: string): Promise<number[]> => {
  const rows = await database.query<{ sequence: string }[]>(
    'select sequence from seen where projection = $1 order by sequence',
    [name],
  );
  return rows.map(({ sequence }) => Number(sequence));
};

const appendChain = async (revision: number): Promise<number> => {
  const key = demo('l3af0');
  const request = {
    subject: chainSubject(key),
    events: [chainRevised(key, revision, ['firewall'])],
    actor: 'test',
  };
  return (await bus.store.append({ ...request, timeoutMs: 60_000 })).sequence;
};
const appendNode = async (node: string): Promise<number> =>
  (await bus.store.append({ subject: nodeSubject(node), events: [nodeRegistered(node)], actor: 'test' }))
    .sequence;

const chains = ['l3af.evt.chain.'];
const nodes = ['l3af.evt.node.'];
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);
const state = async (projector: Projector, name: string) =>
  (await projector.status(await bus.store.lastSequence())).find((one) => one.name === name)!;

test('each projection gets its own events, once, and all move on together', async () => {
  await appendChain(1);
  const projector = start(noting('chains', chains), noting('nodes', nodes));
  await appendNode('a');
  const last = await appendChain(2);
  await projector.reached('nodes', last);
  expect([await seen('chains'), await seen('nodes')]).toEqual([[1, 3], [2]]);
  expect(await state(projector, 'nodes')).toMatchObject({
    sequence: 3,
    lag: 0,
    state: 'running',
    error: null,
  });
  expect(projector.ready).toBe(true);
});

test('a poisoned event stops its projection at its place; the others go on; a fix and a restart resume it', async () => {
  const refuses = (event: L3afEvent): boolean => event.type === 'ChainRevised' && event.data.revision === 2;
  const broken = start(noting('chains', chains, refuses), noting('nodes', nodes));
  for (const revision of [1, 2, 3]) await appendChain(revision);
  const last = await appendNode('a');
  await broken.reached('nodes', last);
  expect(await seen('chains')).toEqual([1]);
  const stopped = {
    sequence: 1,
    lag: 3,
    state: 'stopped',
    error: { sequence: 2, message: 'this event is refused' },
  };
  expect(await state(broken, 'chains')).toMatchObject(stopped);
  await expect(broken.reached('chains', 2)).rejects.toMatchObject({ code: 'store-unavailable' });
  const standby = start(noting('chains', chains), noting('nodes', nodes));
  await waitFor(async () => (await state(standby, 'chains')).error, 'the standby to know of it');
  await broken.stop();
  await waitFor(async () => (await state(standby, 'chains')).state === 'running', 'the standby to take over');
  await standby.reached('chains', last, 60_000);
  expect(await seen('chains')).toEqual([1, 2, 3]);
  expect(await state(standby, 'chains')).toMatchObject({ state: 'running', error: null });
});

test('a message that nobody can read is poison, only for who wants it', async () => {
  await bus.nc.jetstream().publish(chainSubject(demo('l3af0')), '{"not": "an envelope"}');
  const last = await appendNode('a');
  const projector = start(noting('chains', chains), noting('nodes', nodes));
  await projector.reached('nodes', last);
  const { error } = await state(projector, 'chains');
  expect(error).toMatchObject({
    sequence: 1,
    message: expect.stringContaining('Cannot read event at sequence 1') as string,
  });
});

test('what the database refuses is poison, not an outage', async () => {
  const divides: Projection = {
    ...noting('chains', chains),
    apply: async (manager) => void (await manager.query('select 1 / 0')),
  };
  await appendChain(1);
  const projector = start(divides);
  await waitFor(async () => (await state(projector, 'chains')).state === 'stopped', 'the projection to stop');
  expect((await state(projector, 'chains')).error?.message).toBe('division by zero');
});

test('one is active and a standby takes over', async () => {
  const first = start(noting('chains', chains));
  await first.reached('chains', await appendChain(1), 60_000);
  const second = start(noting('chains', chains));
  await waitFor(() => second.ready, 'the standby to be ready');
  expect((await state(second, 'chains')).state).toBe('standby');
  await second.reached('chains', await appendChain(2), 60_000);
  await first.stop();
  await second.reached('chains', await appendChain(3), 60_000);
  expect((await state(second, 'chains')).state).toBe('running');
  expect(await seen('chains')).toEqual([1, 2, 3]);
});

test('another version of a projection, and a stream that was reset, rebuild it from zero', async () => {
  for (const revision of [1, 2, 3]) await appendChain(revision);
  const first = start(noting('chains', chains));
  await first.reached('chains', 3, 60_000);
  await first.stop();
  await database.query('delete from seen where sequence = 2');
  const second = start({ ...noting('chains', chains), version: 2 });
  await waitFor(async () => (await seen('chains')).length === 3, 'the rebuild');
  expect(await seen('chains')).toEqual([1, 2, 3]);
  await second.stop();
  await (await bus.nc.jetstreamManager()).streams.purge('L3AF_EVENTS');
  await (await bus.nc.jetstreamManager()).streams.delete('L3AF_EVENTS');
  const fresh = await connectBus({ servers: nats.url, name: 'fresh', log });
  await appendChain(1);
  const third = start({ ...noting('chains', chains), version: 2 });
  await waitFor(async () => (await seen('chains')).join() === '1', 'the rebuild from the new stream');
  expect((await state(third, 'chains')).sequence).toBe(1);
  await fresh.close();
});

test('Postgres and NATS are killed again and again: every event is projected once', async () => {
  const projector = start(noting('chains', chains));
  for (let round = 0; round < 4; round++) {
    const writing = (async () => {
      for (let i = 1; i <= 100; i++) await appendChain(round * 100 + i);
    })();
    await (round % 2 ? nats : postgres).restart();
    await writing;
  }
  await projector.reached('chains', 400, 120_000);
  expect(await seen('chains')).toEqual(upTo(400));
});
