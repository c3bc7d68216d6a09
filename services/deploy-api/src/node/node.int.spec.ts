import { generateKeyPairSync } from 'node:crypto';
import { labelsSubject, packageSubject, type NodeView } from '@l3af/contracts';
import { buildImage, RegistryClient } from '@l3af/oci';
import { createKeylessAuthority, waitFor } from '@l3af/testing';
import { largeSchema } from '../testing/control-plane';
import { useControlPlane } from '../testing/use-control-plane';

const plane = useControlPlane({ registry: true });
const { api } = plane;

test('nodes, and one of them', async () => {
  const { body } = await api().get('/v1/nodes/demo-1').query({ minSequence: 1 }).expect(200);
  expect(body).toMatchObject({ name: 'demo-1', kernel: '6.1.0', state: 'silent' });
  expect(((await api().get('/v1/nodes').expect(200)).body as NodeView[]).map(({ name }) => name)).toEqual([
    'demo-1',
  ]);
  await api()
    .get('/v1/nodes/nope')
    .expect(404, /"unknown-node"/);
});

test('labels are set whole, and once', async () => {
  const put = (labels: object) => api().put('/v1/nodes/demo-1/labels').send({ labels });
  const first = await put({ region: 'eu', rack: '7' }).expect(202);
  expect(first.body).toMatchObject({ changed: true });
  expect((await put({ rack: '7', region: 'eu' }).expect(202)).body).toMatchObject({ changed: false });
  expect((await plane.bus.store.last(labelsSubject('demo-1')))?.events).toMatchObject([
    { type: 'NodeLabelled', data: { node: 'demo-1', labels: { region: 'eu', rack: '7' } } },
  ]);
  await put({ 'no key': 'x' }).expect(400);
  await put({ region: 5 }).expect(400);
  await api()
    .put('/v1/nodes/nope/labels')
    .send({ labels: {} })
    .expect(404, /"unknown-node"/);
});

test('what is set whole is not set over what its author has not seen', async () => {
  const policy = { onDrift: 'repair', onRevokedKey: 'report', probationSeconds: 10 };
  const trust = { signers: [], revoked: ['0'.repeat(64)] };
  for (const [path, first, second] of [
    ['/v1/policies/seen', policy, { ...policy, onDrift: 'leave' }],
    ['/v1/trust/seen', trust, { ...trust, revoked: [] }],
    ['/v1/nodes/demo-1/labels', { labels: { seen: 'a' } }, { labels: { seen: 'b' } }],
  ] as const) {
    const before = ((await api().get(path)).headers['etag']) ?? '"0"';
    await api().put(path).set('if-match', before).send(first).expect(202);
    await api()
      .put(path)
      .set('if-match', before)
      .send(second)
      .expect(409, /"conflict"/);
    const { headers, body } = await api().get(path).expect(200);
    expect(body).toMatchObject(first);
    await api().put(path).set('if-match', headers['etag']!).send(second).expect(202);
  }
  expect((await api().get('/v1/nodes/demo-1/labels')).body).toEqual({
    ...{ node: 'demo-1', labels: { seen: 'b' } },
  });
  await api()
    .get('/v1/nodes/nope/labels')
    .expect(404, /"unknown-node"/);
});

test('policies of groups', async () => {
  const policy = { onDrift: 'repair', onRevokedKey: 'report', probationSeconds: 10 };
  await api()
    .get('/v1/policies/edge')
    .expect(404, /"unknown-object"/);
  await api().put('/v1/policies/edge').send(policy).expect(202);
  expect((await api().get('/v1/policies/edge').expect(200)).body).toEqual({ group: 'edge', ...policy });
  await api()
    .put('/v1/policies/edge')
    .send({ ...policy, onDrift: 'panic' })
    .expect(400, /onDrift \(line 1\)/);
  await api().put('/v1/policies/no%20group').send(policy).expect(400);
});

test('trusted signers of groups: keys that can sign, and no others', async () => {
  const pemOf = (key: { export(options: { type: 'spki'; format: 'pem' }): string | Buffer }): string =>
    key.export({ type: 'spki', format: 'pem' }).toString();
  const ec = pemOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey);
  const rsa = pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey);
  const put = (publicKey: string) =>
    api()
      .put('/v1/trust/default')
      .send({ signers: [{ name: 'ann', publicKey, packages: ['*'] }] });
  await put(ec).expect(202);
  expect((await api().get('/v1/trust/default').expect(200)).body).toEqual({
    ...{ group: 'default', signers: [{ name: 'ann', publicKey: ec, packages: ['*'] }], revoked: [] },
  });
  await put(rsa).expect(400, /needs ECDSA P-256 or ed25519/);
  await put('no key').expect(400, /not PEM/);
});

test('trusted identities of groups: with a root that can prove them', async () => {
  const { trustedRoot } = await createKeylessAuthority();
  const identity = {
    name: 'pipeline',
    identity: 'https://ci.example.org/*',
    issuer: 'https://ci.example.org',
    root: 'ours',
    packages: ['acme/*'],
  };
  const trust = { signers: [], identities: [identity], trustedRoots: [{ name: 'ours', root: trustedRoot }] };
  const put = (changes: object) =>
    api()
      .put('/v1/trust/keyless')
      .send({ ...trust, ...changes });
  await put({}).expect(202);
  expect((await api().get('/v1/trust/keyless').expect(200)).body).toEqual({
    group: 'keyless',
    revoked: [],
    ...trust,
  });
  await put({ trustedRoots: [] }).expect(400, /there is no trusted root \\"ours\\" here/);
  const noAuthority = { name: 'ours', root: { ...trustedRoot, certificateAuthorities: [] } };
  await put({ trustedRoots: [noAuthority] }).expect(400, /no certificate authority/);
  await put({ identities: [{ ...identity, issuer: '' }] }).expect(400, /issuer/);
});

test('packages, also those whose name has slashes', async () => {
  const encoded = encodeURIComponent('team/limit');
  expect((await api().get(`/v1/packages/${encoded}`).expect(200)).body).toMatchObject({ name: 'team/limit' });
  expect((await api().get('/v1/packages').expect(200)).body).toHaveLength(2);
  await api()
    .get('/v1/packages/nope')
    .expect(404, /"unknown-package"/);
});

test('a package whose schema is too large for its event is looked into', async () => {
  const schema = largeSchema();
  const object = {
    architecture: 'amd64',
    bytes: Buffer.from('\x7fELF not read, since the label says it all'),
  };
  const client = new RegistryClient(plane.registryUrl);
  await client.push(buildImage({ objects: [object], schema }), 'large', ['1.0.0']);
  await waitFor(async () => plane.bus.store.last(packageSubject('large')), 'the event');
  const stored = await plane.bus.store.last(packageSubject('large'));
  expect(stored?.events).not.toMatchObject([{ data: { schema: expect.anything() as unknown } }]);
  const insert = (config: object) =>
    api()
      .post('/v1/nodes/demo-1/chains/l3af0/xdp/kfs')
      .send({ kf: { package: 'large', config } });
  await insert({ constant_7: 4294967296 }).expect(422, /"invalid-config"/);
  await insert({ constant_7: 4294967295 }).expect(202);
});
