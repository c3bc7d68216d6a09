import { chainSubject, packageSubject } from '@l3af/contracts';
import { documentOf, keyOf, pathOf } from '../testing/chain-of';
import { digestOf, published, verified } from '../testing/control-plane';
import { useControlPlane } from '../testing/use-control-plane';

const plane = useControlPlane();
const { api } = plane;
const put = (name: string, kfs: object[]) => api().put(pathOf(name)).send(documentOf(name, kfs));
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
  const other = documentOf('l3af0', []);
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
