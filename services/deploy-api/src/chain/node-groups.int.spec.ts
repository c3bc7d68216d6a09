import { nodeSubject, verifiedPredicate, verifyConsumer, type Accepted } from '@l3af/contracts';
import { attachReferrer, generateSigningKey, keyIdOf, mediaTypes, RegistryClient } from '@l3af/oci';
import { createKeylessAuthority } from '@l3af/testing';
import { gateStatement, heardOf, publishGate, stateOfGate } from '../testing/gate-package';
import { useControlPlane } from '../testing/use-control-plane';

const plane = useControlPlane({ registry: true });
const { api } = plane;
const edgeKey = generateSigningKey();
const signers = [{ name: 'edge team', publicKey: edgeKey.publicKey, packages: [] }];
let client: RegistryClient;

/** A node with a kernel 6.1 and one interface, known once it resolves. */
const register = async (node: string, labels: Record<string, string>): Promise<void> => {
  const { sequence } = await plane.bus.store.append({
    subject: nodeSubject(node),
    events: [
      {
        type: 'NodeRegistered',
        version: 1,
        data: {
          ...{ node, labels, kernel: '6.1.0', architecture: 'amd64', features: {} },
          interfaces: [{ name: 'eth0', ifindex: 2, mtu: 1500, mac: '02:00:00:00:00:01', up: true }],
          executor: { version: '0.1.0', instance: 'default' },
        },
      },
    ],
    actor: 'spec',
  });
  await api().get(`/v1/nodes/${node}`).query({ minSequence: sequence }).expect(200);
};

beforeAll(async () => {
  client = new RegistryClient(plane.registryUrl);
  await register('plain', {});
  await register('edge', { group: 'edge' });
});

const put = (path: string, body: object) => api().put(path).send(body).expect(202);
const setTrust = (group: string, trust: object) =>
  put(`/v1/trust/${group}`, { signers: [], revoked: [], ...trust });
const setPolicy = (group: string, onUnverified?: 'verify' | 'warn') =>
  put(`/v1/policies/${group}`, {
    ...{ onDrift: 'repair', onRevokedKey: 'report', probationSeconds: 60 },
    ...(onUnverified && { onUnverified }),
  });

afterEach(async () => {
  for (const group of ['default', 'edge']) {
    await setTrust(group, {});
    await setPolicy(group);
  }
});

const publish = (name: string): Promise<string> => publishGate(client, name);
const saying = (loaded: boolean) => gateStatement('6.1.9', loaded, 'amd64');
const state = (name: string, digest: string, loaded: boolean) =>
  stateOfGate(client, { name, digest, statement: saying(loaded), key: edgeKey.privateKey });

/** A version that a kernel of the nodes' refuses, as the edge team says. */
const publishRefused = async (name: string): Promise<void> => {
  await state(name, await publish(name), false);
  await heardOf(plane.bus, name);
};
const deploy = (name: string, node: string) =>
  api()
    .post(`/v1/nodes/${node}/chains/eth0/xdp/kfs`)
    .send({ kf: { package: `${name}@1.0.0`, name } });
const isRefused = (name: string, node: string) => deploy(name, node).expect(422, /"verification-failed"/);
const isTaken = async (name: string, node: string): Promise<string[] | undefined> =>
  ((await deploy(name, node).expect(202)).body as Accepted).warnings;
const byStrangers = [expect.stringMatching(/1 statements by keys that are not trusted do not count/)];

test('a signer whom a group trusts counts for nodes of the group, and for no other', async () => {
  await setTrust('edge', { signers });
  await publishRefused('edges-own');
  await isRefused('edges-own', 'edge');
  expect(await isTaken('edges-own', 'plain')).toEqual(byStrangers);
});

test('a label that is given later counts at once, and no more when it is taken away', async () => {
  await register('movable', {});
  await setTrust('edge', { signers });
  await publishRefused('moves');
  await put('/v1/nodes/movable/labels', { labels: { group: 'canary edge' } });
  await isRefused('moves', 'movable');
  await put('/v1/nodes/movable/labels', { labels: {} });
  expect(await isTaken('moves', 'movable')).toEqual(byStrangers);
});

test('a label given to a node wins over its own', async () => {
  await setTrust('edge', { signers });
  await publishRefused('given');
  await register('given', { group: 'edge' });
  await put('/v1/nodes/given/labels', { labels: { group: 'core' } });
  expect(await isTaken('given', 'given')).toEqual(byStrangers);
});

test('whom one group revokes counts for none of its nodes, whoever trusts them', async () => {
  await setTrust('default', { signers });
  await setTrust('edge', { signers, revoked: [keyIdOf(edgeKey.publicKey)] });
  await publishRefused('revoked');
  await isRefused('revoked', 'plain');
  expect(await isTaken('revoked', 'edge')).toEqual(byStrangers);
});

test('an identity whom a group trusts counts as a key does, with a root of that group', async () => {
  const authority = await createKeylessAuthority();
  const [identity, issuer] = ['https://ci.example.org/verify', 'https://ci.example.org'];
  const trusting = {
    identities: [{ name: 'pipeline', identity, issuer, root: 'ours', packages: ['certified'] }],
    trustedRoots: [{ name: 'ours', root: authority.trustedRoot }],
  };
  const digest = await publish('certified');
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }],
    ...{ predicateType: verifiedPredicate, predicate: saying(false) },
  };
  const bundle = await authority.bundle(Buffer.from(JSON.stringify(statement)), { identity, issuer });
  await attachReferrer(client, 'certified', digest, {
    artifactType: mediaTypes.sigstoreBundle,
    bytes: Buffer.from(JSON.stringify(bundle)),
    annotations: { 'dev.sigstore.bundle.predicateType': verifiedPredicate },
  });
  await heardOf(plane.bus, 'certified');
  await setTrust('edge', trusting);
  const { body } = await isRefused('certified', 'edge');
  expect(body).toMatchObject({ details: { signer: 'pipeline' } });
  expect(await isTaken('certified', 'plain')).toEqual(byStrangers);
});

test('kernels are asked first where the last of the groups that has a policy says so', async () => {
  await setTrust('default', { signers });
  const asked: string[] = [];
  const queue = plane.bus.workQueue({ consumer: verifyConsumer('6.1') }, async ({ stored }) => {
    for (const event of stored.events) {
      if (event.type !== 'VerificationRequested') continue;
      asked.push(event.data.name);
      await state(event.data.name, event.data.digest, true);
    }
  });
  for (const name of ['asked-edge', 'asked-plain', 'unasked-edge']) await publish(name);
  const notVerified = [expect.stringMatching(/was not verified on kernel 6\.1\.0/)];

  await setPolicy('edge', 'verify');
  expect(await isTaken('asked-edge', 'edge')).toBeUndefined();
  expect(await isTaken('asked-plain', 'plain')).toEqual(notVerified);
  expect(asked).toEqual(['asked-edge']);

  await setPolicy('default', 'verify');
  await setPolicy('edge', 'warn');
  expect(await isTaken('unasked-edge', 'edge')).toEqual(notVerified);
  expect(await isTaken('asked-plain', 'edge')).toEqual(notVerified);
  expect(asked).toEqual(['asked-edge']);
  await queue.stop();
});
