import 'reflect-metadata';
import {
  chainSubject,
  nodeStatusSubject,
  nodeSubject,
  packageSubject,
  reportSubject,
  type ChainView,
  type L3afEvent,
} from '@l3af/contracts';
import { connectBus, queryConfig, type Bus } from '@l3af/event-store';
import { createLogger } from '@l3af/telemetry';
import { startNats, startPostgres, waitFor, type TestNats, type TestPostgres } from '@l3af/testing';
import { startConfigStore, type ConfigStore } from './config-store';
import { readSettings } from './settings';
import {
  chainApplied,
  chainRevised,
  demo,
  digestOf,
  nodeRegistered,
  packagePublished,
} from './testing/events';

let nats: TestNats;
let postgres: TestPostgres;
let store: ConfigStore;
let bus: Bus;
const actor = 'test';

const open = (): Promise<ConfigStore> =>
  startConfigStore(
    readSettings({ NATS_URL: nats.url, DATABASE_URL: postgres.url }),
    createLogger('config-store', process.env['L3AF_LOG_LEVEL'] ?? 'silent'),
    new AbortController().signal,
  );

beforeAll(async () => {
  [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
  bus = await connectBus({ servers: nats.url, name: 'test' });
  store = await open();
  await waitFor(() => store.ready(), 'config-store to be ready');
});

afterAll(async () => {
  await store.close();
  await bus.close();
  await Promise.all([nats.stop(), postgres.stop()]);
});

const append = async (subject: string, ...events: L3afEvent[]): Promise<number> =>
  (await bus.store.append({ subject, events, actor })).sequence;

test('a caller reads its own writes, and what was never written is null', async () => {
  expect(await queryConfig(bus, 'nodes.get', { name: 'nobody' })).toBeNull();
  const minSequence = await append(nodeSubject('demo-1'), nodeRegistered('demo-1'));
  const node = await queryConfig(bus, 'nodes.get', { name: 'demo-1', minSequence });
  expect(node).toMatchObject({ name: 'demo-1', kernel: '6.1.0', state: 'silent', lastSeenAt: null });
});

test('a heartbeat makes a node ready', async () => {
  const now = new Date().toISOString();
  const beat = (): void =>
    bus.publishLive(nodeStatusSubject('demo-1'), {
      node: 'demo-1',
      at: now,
      startedAt: now,
      rssBytes: 7e7,
      chains: [],
    });
  const node = await waitFor(async () => {
    beat();
    const found = await queryConfig(bus, 'nodes.get', { name: 'demo-1' });
    return found?.state === 'ready' && found;
  }, 'the node to be ready');
  expect(node.rssBytes).toBe(7e7);
});

test('a chain goes from pending to live, and its history tells of it', async () => {
  const key = demo('l3af0');
  const first = await append(chainSubject(key), chainRevised(key, 1, ['firewall']));
  const pending = await queryConfig(bus, 'chains.get', { ...key, minSequence: first });
  expect(pending).toMatchObject({
    desired: { revision: 1, sequence: first },
    reported: { state: 'pending', revision: 0 },
  });
  const second = await append(reportSubject(key), chainApplied(key, 1, ['firewall']));
  const live = (await queryConfig(bus, 'chains.get', { ...key, minSequence: second })) as ChainView;
  expect(live.reported).toMatchObject({
    state: 'live',
    revision: 1,
    kfs: [{ name: 'firewall', programId: 100 }],
  });
  expect(await queryConfig(bus, 'chains.history', key)).toMatchObject([
    { revision: 1, sequence: first, actor, outcome: 'applied' },
  ]);
  expect(await queryConfig(bus, 'chains.list', { node: 'demo-1' })).toEqual([live]);
  expect(await queryConfig(bus, 'chains.keys', { node: 'demo-1' })).toEqual([key]);
});

test('a package has its signers, whichever came first', async () => {
  const digest = digestOf('a');
  const subject = packageSubject('firewall');
  await append(subject, {
    type: 'PackageSigned',
    version: 1,
    data: { name: 'firewall', digest, keyId: 'k1', form: 'tag' },
  });
  const minSequence = await append(subject, packagePublished('firewall', '1.0.0', digest));
  const found = await queryConfig(bus, 'packages.get', { name: 'firewall', minSequence });
  expect(found?.versions).toMatchObject([{ version: '1.0.0', digest, signers: ['k1'], yanked: null }]);
});

test('a package shows how kernels took it, and a version that is published again is back', async () => {
  const digest = digestOf('b');
  const subject = packageSubject('verified');
  const data = { name: 'verified', digest };
  const programs = [
    { name: 'f', hook: 'xdp', loaded: true, instructions: 12, nanosecondsPerPacket: 3.5 },
  ] as const;
  await append(subject, packagePublished('verified', '1.0.0', digest));
  await append(subject, {
    type: 'PackageVerified',
    version: 1,
    data: {
      ...{ ...data, kernel: '6.1.0', architecture: 'amd64', loaded: true, keyId: 'k1' },
      ...{ programs: [...programs], tests: { passed: 2, failed: 0, skipped: 0 } },
    },
  });
  const yanked = await append(subject, {
    type: 'PackageYanked',
    version: 1,
    data: { ...data, packageVersion: '1.0.0', reason: 'broken' },
  });
  const get = async (minSequence: number) =>
    (await queryConfig(bus, 'packages.get', { name: 'verified', minSequence }))?.versions[0];
  const tests = { passed: 2, failed: 0, skipped: 0 };
  expect(await get(yanked)).toMatchObject({
    yanked: 'broken',
    verified: [{ kernel: '6.1.0', loaded: true, error: null, programs, tests, keyId: 'k1' }],
  });
  const again = await append(subject, packagePublished('verified', '1.0.0', digest));
  expect(await get(again)).toMatchObject({ yanked: null, verified: [{ kernel: '6.1.0' }] });
});

test('status names every projection', async () => {
  const status = await queryConfig(bus, 'status', {});
  expect(status.projections.map(({ name, state }) => [name, state])).toEqual([
    ['nodes', 'running'],
    ['chains', 'running'],
    ['packages', 'running'],
    ['builds', 'running'],
  ]);
});

test('a bad request is refused and a garbage message harms nobody', async () => {
  const bad = queryConfig(bus, 'nodes.get', { nome: 'demo-1' } as never);
  await expect(bad).rejects.toMatchObject({ code: 'invalid-request' });
  bus.nc.publish('l3af.rpc.config.nodes.list', 'no JSON at all');
  expect(await queryConfig(bus, 'nodes.list', {})).toHaveLength(1);
});

test('a sequence that is not there is refused in bounded time', async () => {
  const future = queryConfig(bus, 'nodes.list', { minSequence: 1_000_000 });
  await expect(future).rejects.toMatchObject({ code: 'store-unavailable' });
});

test('NATS is killed and comes back: queries and projections go on', async () => {
  await nats.restart();
  const key = demo('l3af1');
  const sequence = await append(chainSubject(key), chainRevised(key, 1, ['firewall']));
  const view = await waitFor(
    () => queryConfig(bus, 'chains.get', { ...key, minSequence: sequence }),
    'the chain after the outage',
  );
  expect(view.desired?.revision).toBe(1);
});

test('Postgres is killed and comes back: what was stored meanwhile is projected', async () => {
  await postgres.halt();
  const key = demo('l3af2');
  const sequence = await append(chainSubject(key), chainRevised(key, 1, ['firewall']));
  await expect(queryConfig(bus, 'chains.get', key)).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(await store.ready().catch(() => false)).toBe(false);
  await postgres.restart();
  const view = await waitFor(
    () => queryConfig(bus, 'chains.get', { ...key, minSequence: sequence }),
    'the chain after the outage',
  );
  expect(view.desired?.sequence).toBe(sequence);
});
