import {
  chainSubject,
  L3afError,
  packageSubject,
  type Accepted,
  type ChainKey,
  type ChainView,
} from '@l3af/contracts';
import { serveNode } from '@l3af/event-store';
import { freePort, startNats, startPostgres, waitFor, type TestNats, type TestPostgres } from '@l3af/testing';
import request, { type Test } from 'supertest';
import {
  digestOf,
  published,
  reportApplied,
  seed,
  startControlPlane,
  verified,
  type ControlPlane,
} from '../testing/control-plane';

jest.setTimeout(240_000);

let nats: TestNats;
let postgres: TestPostgres;
let plane: ControlPlane;

beforeAll(async () => {
  [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
  plane = await startControlPlane({
    natsUrl: nats.url,
    databaseUrl: postgres.url,
    grpcPort: await freePort(),
  });
  await seed(plane.bus);
  await waitFor(async () => (await fetch(`${plane.api.url}/readyz`)).ok, 'the API to be ready');
});

afterAll(async () => {
  await plane.close();
  await Promise.all([nats.stop(), postgres.stop()]);
});

const api = () => request(plane.api.url);
const pathOf = (name: string): string => `/v1/nodes/demo-1/chains/${name}/xdp`;
const keyOf = (name: string): ChainKey => ({ node: 'demo-1', interface: name, hook: 'xdp' });
const document = (name: string, kfs: object[]): object => ({
  ...{ apiVersion: 'l3af/v1', kind: 'Chain', ...keyOf(name), kfs },
});
const put = (name: string, kfs: object[]) => api().put(pathOf(name)).send(document(name, kfs));
const namesOf = ({ body }: { body: unknown }): unknown =>
  (body as ChainView).desired?.kfs.map(({ name }) => name);
const lastOf = (name: string) => plane.bus.store.last(chainSubject(keyOf(name)));

test('a document is stored with who asked and why, and shown at once', async () => {
  const yaml = `
apiVersion: l3af/v1
kind: Chain
node: demo-1
interface: l3af0
hook: xdp
kfs:
  - name: edge
    package: firewall
    config: {limit: 5}
  - package: team/limit@2.0.0
`;
  const accepted = await api()
    .put(pathOf('l3af0'))
    .set('content-type', 'application/yaml')
    .set('x-l3af-actor', 'J%C3%BCrgen')
    .set('x-l3af-reason', 'ticket 7')
    .set('x-correlation-id', 'c-1')
    .send(yaml)
    .expect(202);
  const { sequence } = accepted.body as { sequence: number };
  expect(accepted.body).toEqual({
    ...{ revision: 1, sequence, changed: true },
    warnings: [expect.any(String), expect.any(String)], // the registry is away
    change: {
      kind: 'apply',
      summary: 'added edge (firewall@1.0.0); added limit (team/limit@2.0.0)',
      reason: 'ticket 7',
    },
    watch: `/v1/nodes/demo-1/chains/l3af0/xdp/watch?revision=1&from=${sequence}`,
  });
  expect(accepted.headers['x-correlation-id']).toBe('c-1');
  const stored = await lastOf('l3af0');
  expect(stored).toMatchObject({
    sequence,
    envelope: { actor: 'Jürgen', correlationId: 'c-1' },
    traceparent: expect.stringMatching(/^00-/) as unknown,
    events: [{ data: { change: { kind: 'apply', reason: 'ticket 7' } } }],
  });
  const shown = await api().get(pathOf('l3af0')).expect(200);
  expect(shown.headers['etag']).toBe('"1"');
  expect(shown.body).toMatchObject({
    desired: {
      revision: 1,
      sequence,
      kfs: [
        { name: 'edge', package: 'firewall', version: '1.0.0', digest: digestOf('a'), config: { limit: 5 } },
        { name: 'limit', package: 'team/limit', version: '2.0.0', program: 'filter', proceedOn: ['PASS'] },
      ],
    },
  });
  const again = await api().put(pathOf('l3af0')).set('content-type', 'text/yaml').send(yaml).expect(202);
  expect(again.body).toMatchObject({ revision: 1, sequence, changed: false });
  expect((await lastOf('l3af0'))?.sequence).toBe(sequence);
});

test('every change of a chain, one after the other', async () => {
  const path = pathOf('eth0');
  await api()
    .post(`${path}/kfs`)
    .send({ kf: { package: 'firewall', name: 'a' } })
    .expect(202);
  await api()
    .post(`${path}/kfs`)
    .send({ kf: { package: 'firewall', name: 'b' }, at: 1 })
    .expect(202);
  expect(namesOf(await api().get(path))).toEqual(['b', 'a']);
  await api().post(`${path}/kfs/a/move`).send({ to: 1 }).expect(202);
  expect(namesOf(await api().get(path))).toEqual(['a', 'b']);
  await api()
    .patch(`${path}/kfs/b`)
    .send({ enabled: false, config: { limit: 9 } })
    .expect(202);
  const adjusted = await api().get(path);
  expect(adjusted.body).toMatchObject({
    desired: { revision: 4, kfs: [{}, { enabled: false, config: { limit: 9 } }] },
  });
  await api()
    .patch(`${path}/kfs/b`)
    .send({ config: { limit: null } })
    .expect(202);
  await api().delete(`${path}/kfs/a`).expect(202);
  expect(namesOf(await api().get(path))).toEqual(['b']);
  await api().post(`${path}/clear`).expect(202);
  expect(namesOf(await api().get(path))).toEqual([]);
  const gone = await api().delete(path).expect(202);
  expect(gone.body).toMatchObject({ revision: 8, changed: true });
  expect((await api().delete(path).expect(202)).body).toMatchObject({ revision: 8, changed: false });
  expect((await api().get(path).expect(200)).body).toMatchObject({ desired: null });
  const history = await api().get(`${path}/history`).expect(200);
  const kinds = (history.body as { change: { kind: string } }[]).map(({ change }) => change.kind);
  expect(kinds.sort()).toEqual(
    ['insert', 'insert', 'move', 'configure', 'configure', 'remove', 'clear', 'delete'].sort(),
  );
});

test.each<[string, number, object[]]>([
  ['unknown-package', 404, [{ package: 'nope' }]],
  ['unknown-version', 404, [{ package: 'firewall@9.9.9' }]],
  ['package-yanked', 422, [{ package: 'firewall@1.1.0' }]],
  ['duplicate-instance', 422, [{ package: 'firewall' }, { package: 'firewall' }]],
  ['invalid-config', 422, [{ package: 'firewall', config: { limit: 4294967296 } }]],
  ['invalid-config', 422, [{ package: 'firewall', config: { limit: 'x' } }]],
  ['unknown-program', 422, [{ package: 'firewall', program: 'nope' }]],
  ['wrong-program-type', 422, [{ package: 'firewall', program: 'mark' }]],
  ['invalid-document', 400, [{ package: 'firewall', proceedOn: ['SHOT'] }]],
  ['invalid-document', 400, [{ pakage: 'firewall' }]],
  ['chain-too-long', 422, Array.from({ length: 34 }, (_, at) => ({ package: 'firewall', name: `k${at}` }))],
])('%s (%i) leaves the chain as it was', async (code, status, kfs) => {
  const before = await lastOf('l3af0');
  const refused = await put('l3af0', kfs).expect(status);
  expect(refused.headers['content-type']).toContain('application/problem+json');
  expect(refused.body).toMatchObject({ code, status, correlationId: expect.any(String) as unknown });
  expect((refused.body as { hint: string }).hint).not.toBe('');
  expect(await lastOf('l3af0')).toEqual(before);
});

test('nodes, interfaces, hooks and chains that there are not', async () => {
  const other = document('l3af0', []);
  await api()
    .put('/v1/nodes/nope/chains/l3af0/xdp')
    .send({ ...other, node: 'nope' })
    .expect(404, /"unknown-node"/);
  await put('wlan0', []).expect(404, /"unknown-interface"/);
  await api()
    .put('/v1/nodes/demo-1/chains/l3af0/xdpp')
    .send(other)
    .expect(400, /"unknown-hook"/);
  await api()
    .get(pathOf('wlan0'))
    .expect(404, /"unknown-chain"/);
  await api()
    .get('/v1/nodes/nope/chains')
    .expect(404, /"unknown-node"/);
  await api()
    .delete(pathOf('wlan0'))
    .expect(404, /"unknown-chain"/);
  await api()
    .delete(`${pathOf('l3af0')}/kfs/nope`)
    .expect(404, /"unknown-instance"/);
  await api()
    .post(`${pathOf('l3af0')}/kfs/edge/move`)
    .send({ to: 3 })
    .expect(422, /"position-out-of-range"/);
  await api()
    .put('/v1/nodes/demo-1/chains/l3af0/tc-ingress')
    .send({ ...other, hook: 'tc-ingress', kfs: [{ package: 'firewall' }] })
    .expect(422, /"ambiguous-program"/);
});

test('a chain for an interface that appears later, when asked so', async () => {
  const accepted = await put('wg0', [{ package: 'firewall' }]).query({ allowMissingInterface: 'true' });
  expect(accepted.status).toBe(202);
  // It is there now: it can be changed without saying so again.
  await api()
    .post(`${pathOf('wg0')}/clear`)
    .expect(202);
});

test('bodies that are no document', async () => {
  const send = (body: string, type = 'application/yaml') =>
    api().put(pathOf('l3af0')).set('content-type', type).send(body);
  await send('kfs: [').expect(400, /line 1/);
  await send('{"kfs": [}', 'application/json').expect(400, /line 1/);
  await send('').expect(400);
  await send('x'.repeat(600_000)).expect(413, /"payload-too-large"/);
  await send('<chain/>', 'application/xml').expect(400, /needs application\/json or application\/yaml/);
  await api()
    .put(pathOf('l3af0'))
    .expect(400, /"invalid-request"/);
});

test('a package that nobody verified, or whose verification nobody can check, is warned of', async () => {
  const subject = packageSubject('checked');
  const append = (...events: Parameters<typeof plane.bus.store.append>[0]['events']) =>
    plane.bus.store.append({ subject, events, actor: 'spec' });
  const apply = (name: string, kf: object) => put(name, [kf]).query({ allowMissingInterface: true });
  await append(published('checked', '1.0.0', 'd'));
  const warned = await apply('checked-1', { package: 'checked' }).expect(202);
  const warnings = ['checked@1.0.0 was not verified on kernel 6.1.0 of node demo-1'];
  expect(warned.body).toMatchObject({ warnings });
  await append(verified('checked', 'd', 'KF "checked": R1 invalid mem access'));
  const unproven = await apply('checked-2', { package: 'checked' }).expect(202);
  expect(unproven.body).toMatchObject({
    warnings: [expect.stringMatching(/^what kernels said of checked@1\.0\.0 cannot be read/)],
  });
});

test('If-Match: a change is made only on the revision that its author has seen', async () => {
  await put('eth1', [{ package: 'firewall' }]).expect(202);
  await put('eth1', [])
    .set('if-match', '"7"')
    .expect(409, /"conflict"/);
  await put('eth1', []).set('if-match', 'seven').expect(400);
  await put('eth1', []).set('if-match', '"1"').expect(202);
  await api().delete(pathOf('eth3')).set('if-match', '*').expect(409);
});

test('two people at once: insertions are both made, documents are not merged', async () => {
  await put('eth2', [{ package: 'firewall', name: 'first' }]).expect(202);
  const insert = (name: string) =>
    api()
      .post(`${pathOf('eth2')}/kfs`)
      .send({ kf: { package: 'firewall', name } });
  const inserted = await Promise.all(['a', 'b', 'c', 'd'].map(insert));
  expect(inserted.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
  expect(new Set(inserted.map(({ body }) => (body as { revision: number }).revision)).size).toBe(4);
  expect(new Set(namesOf(await api().get(pathOf('eth2'))) as string[])).toEqual(
    new Set(['first', 'a', 'b', 'c', 'd']),
  );
  const apply = (name: string) => put('eth2', [{ package: 'firewall', name }]);
  const statuses = (await Promise.all(['x', 'y', 'z'].map(apply))).map(({ status }) => status);
  const won = statuses.filter((status) => status === 202).length;
  expect(won).toBeGreaterThanOrEqual(1);
  expect(statuses.filter((status) => status === 409)).toHaveLength(3 - won);
  const { desired } = (await api().get(pathOf('eth2'))).body as ChainView;
  // Every revision was made by one of the accepted changes; none was lost or made twice.
  expect(desired?.revision).toBe(5 + won);
});

test('a dry run decides and stores nothing', async () => {
  const { revision } = (await put('eth0', [{ package: 'firewall' }]).expect(202)).body as Accepted;
  const before = await lastOf('eth0');
  const change = async (request: Test) => (await request.query({ dryRun: 'true' })).body as Accepted;
  const more = [{ package: 'firewall' }, { package: 'team/limit@2.0.0' }];
  expect(await change(put('eth0', more))).toMatchObject({
    ...{ revision: revision + 1, changed: true, dryRun: true, sequence: before!.sequence },
    change: { kind: 'apply', summary: 'added limit (team/limit@2.0.0)' },
  });
  expect(await change(put('eth0', [{ package: 'firewall' }]))).toMatchObject({ revision, changed: false });
  expect(await change(api().post(`${pathOf('eth0')}/clear`))).toMatchObject({ change: { kind: 'clear' } });
  expect(await change(api().delete(pathOf('eth0')))).toMatchObject({ change: { kind: 'delete' } });
  await put('eth0', [{ package: 'nope' }])
    .query({ dryRun: '' })
    .expect(404, /"unknown-package"/);
  await put('eth0', more).query({ dryRun: '' }).set('if-match', '"7"').expect(409);
  expect(await lastOf('eth0')).toEqual(before);
});

test('the same chain again is a new revision only when asked so', async () => {
  const kfs = [{ package: 'firewall' }];
  const first = (await put('eth0', kfs).expect(202)).body as Accepted;
  expect(first.changed).toBe(false);
  const again = await put('eth0', kfs).query({ retry: 'true' }).expect(202);
  expect(again.body).toMatchObject({
    ...{ revision: first.revision + 1, changed: true, change: { summary: 'tried again as it was' } },
  });
});

test('a chain is rolled back to a revision, to the digest', async () => {
  const rollback = (revision: number) =>
    api()
      .post(`${pathOf('eth0')}/rollback`)
      .send({ revision });
  const { desired } = (await api().get(pathOf('eth0'))).body as ChainView;
  await put('eth0', [{ package: 'team/limit@2.0.0', config: { limit: 3 } }]).expect(202);
  const back = (await rollback(desired!.revision).expect(202)).body as Accepted;
  expect(back).toMatchObject({ revision: desired!.revision + 2, change: { kind: 'rollback' } });
  const now = (await api().get(pathOf('eth0'))).body as ChainView;
  expect(now.desired!.kfs).toEqual(desired!.kfs);
  await rollback(99).expect(404, /"unknown-revision"/);
  await rollback(0).expect(400);
  await api().delete(pathOf('eth0')).expect(202);
  await rollback(back.revision + 1).expect(404, /it deleted the chain/);
  await rollback(back.revision).expect(202);
  const revived = (await api().get(pathOf('eth0'))).body as ChainView;
  expect(revived.desired!.kfs).toEqual(desired!.kfs);
  await api()
    .post(`${pathOf('wlan0')}/rollback`)
    .send({ revision: 1 })
    .expect(404);
});

test('counters come live from the node, and its maps', async () => {
  await put('eth3', [{ package: 'firewall' }]).expect(202);
  await reportApplied(plane.bus, keyOf('eth3'), 1);
  const node = await serveNode(plane.bus, 'demo-1', {
    chains: () => [
      {
        ...{ interface: 'eth3', hook: 'xdp', revision: 1, generation: 1, mode: 'native', broken: 0 },
        kfs: [{ name: 'firewall', programId: 7, verdicts: { DROP: 3 }, proceeded: 40 }],
      },
    ],
    'map-dump': ({ kf, map }) => ({
      ...{ map, type: 'hash', entries: [{ key: kf, value: { packets: 1 } }], truncated: false },
    }),
  });
  const view = await waitFor(async () => {
    const { body } = await api().get(pathOf('eth3')).expect(200);
    return (body as ChainView).reported?.revision === 1 && (body as ChainView);
  }, 'the report');
  expect(view.reported).toMatchObject({
    state: 'live',
    kfs: [{ name: 'firewall', programId: 7, verdicts: { DROP: 3 }, proceeded: 40 }],
  });
  const map = await api()
    .get(`${pathOf('eth3')}/kfs/firewall/maps/counters`)
    .expect(200);
  expect(map.body).toMatchObject({ map: 'counters', entries: [{ key: 'firewall', value: { packets: 1 } }] });
  await node.stop();
});

test('a packet is explained by the node', async () => {
  const explain = (name: string, body: object) =>
    api()
      .post(`${pathOf(name)}/explain`)
      .send(body);
  const packet = 'ab'.repeat(60);
  const node = await serveNode(plane.bus, 'demo-1', {
    explain: ({ interface: name, hook, packet: given }) => {
      if (name !== 'eth3') throw new L3afError('unknown-chain', 'none is live');
      return {
        ...{ interface: name, hook, revision: 1, generation: 1, steps: [], verdict: 'PASS', packet: given },
      };
    },
  });
  const found = await explain('eth3', { packet }).expect(200);
  expect(found.body).toMatchObject({ interface: 'eth3', verdict: 'PASS', packet });
  await explain('eth2', { packet }).expect(404, /"unknown-chain"/);
  await explain('eth3', { packet: 'abc' }).expect(400, /must be 14 to 16384 bytes in hex/);
  await node.stop();
  await explain('eth3', { packet }).expect(504, /"node-silent"/);
});

test('a chain is timed by the node', async () => {
  const node = await serveNode(plane.bus, 'demo-1', {
    time: ({ interface: name, hook, seconds }) => ({
      ...{ interface: name, hook, revision: 1, seconds },
      kfs: [{ name: 'firewall', nanoseconds: 31, packets: 900 }],
    }),
  });
  const time = (body: object) =>
    api()
      .post(`${pathOf('eth3')}/time`)
      .send(body);
  expect((await time({ seconds: 2 }).expect(200)).body).toMatchObject({
    seconds: 2,
    kfs: [{ nanoseconds: 31 }],
  });
  expect((await time({}).expect(200)).body).toMatchObject({ seconds: 5 });
  await time({ seconds: 600 }).expect(400, /seconds/);
  await node.stop();
});

test('a node that is not heard is silent, and says nothing of its maps', async () => {
  await put('eth3', [{ package: 'firewall' }]);
  await reportApplied(plane.bus, keyOf('eth3'), 1);
  const state = async (): Promise<unknown> =>
    ((await api().get(pathOf('eth3'))).body as ChainView).reported?.state;
  await waitFor(async () => (await state()) === 'silent', 'the chain to be silent');
  await api()
    .get(`${pathOf('eth3')}/kfs/firewall/maps/m`)
    .expect(504, /"node-silent"/);
});
