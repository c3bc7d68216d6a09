import {
  type Accepted,
  type PackageDetails,
  type PackageView,
  verifiedPredicate,
  verifyConsumer,
} from '@l3af/contracts';
import { attachReferrer, generateSigningKey, keyIdOf, mediaTypes, RegistryClient } from '@l3af/oci';
import { waitFor } from '@l3af/testing';
import { pathOf } from '../testing/chain-of';
import { gateStatement, heardOf, publishGate, stateOfGate, type SaidOfGate } from '../testing/gate-package';
import { useControlPlane } from '../testing/use-control-plane';

let client: RegistryClient;
const [builder, other, stranger] = [
  generateSigningKey(),
  generateSigningKey('ed25519'),
  generateSigningKey(),
];

// There, demo-1 has kernel 6.1.0 on x64.
const plane = useControlPlane({ registry: true, trustedKeys: { 'builder.pub': builder.publicKey } });
const { api } = plane;

beforeAll(() => {
  client = new RegistryClient(plane.registryUrl);
});

const publish = (name: string): Promise<string> => publishGate(client, name);
const state = (said: SaidOfGate) => stateOfGate(client, said);
const heard = (name: string, count: number) => heardOf(plane.bus, name, count);
const deploy = (name: string, interfaceName: string) =>
  api()
    .post(`${pathOf(interfaceName)}/kfs`)
    .send({ kf: { package: `${name}@1.0.0`, name } });
const details = async (name: string): Promise<PackageDetails> =>
  (await api().get(`/v1/packages/${name}/versions/1.0.0`).expect(200)).body as PackageDetails;

test('a refusal counts when a trusted key signed it, and is shown with its signer', async () => {
  const digest = await publish('refused');
  await state({ name: 'refused', digest, statement: gateStatement('6.1.9', false), key: builder.privateKey });
  await heard('refused', 1);
  const { body } = await deploy('refused', 'eth0').expect(422);
  expect(body).toMatchObject({
    code: 'verification-failed',
    detail: expect.stringContaining('kernel 6.1.9 refuses it: R1 invalid mem access') as unknown,
    details: { node: 'demo-1', kernel: '6.1.9', signer: 'builder.pub' },
  });
  expect((await details('refused')).statements).toMatchObject([
    { kernel: '6.1.9', loaded: false, signer: { keyId: keyIdOf(builder.publicKey), name: 'builder.pub' } },
  ]);
});

test('a forged statement neither keeps a package out nor lets one in', async () => {
  const out = await publish('kept-out');
  await state({
    name: 'kept-out',
    digest: out,
    statement: gateStatement('6.1.9', false),
    key: stranger.privateKey,
  });
  await heard('kept-out', 1);
  const accepted = (await deploy('kept-out', 'eth1').expect(202)).body as Accepted;
  expect(accepted.warnings).toEqual([
    expect.stringMatching(/was not verified on kernel 6\.1\.0.*1 statements by keys that are not trusted/),
  ]);

  const digest = await publish('let-in');
  await state({ name: 'let-in', digest, statement: gateStatement('6.1.9', false), key: builder.privateKey });
  await heard('let-in', 1);
  await state({ name: 'let-in', digest, statement: gateStatement('6.1.9', true), key: stranger.privateKey });
  // One that names the builder's key, and bears a signature that the builder made of something else.
  const genuine = (await client.referrers('let-in', digest)).map((one) => one.digest);
  const [first = ''] = genuine;
  const manifest = JSON.parse(Buffer.from((await client.getManifest('let-in', first)).bytes).toString()) as {
    layers: { digest: string }[];
  };
  const bundle = JSON.parse(
    Buffer.from(await client.getBlob('let-in', manifest.layers[0]?.digest ?? '', 100_000)).toString(),
  ) as { dsseEnvelope: { payload: string } };
  const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString();
  bundle.dsseEnvelope.payload = Buffer.from(
    payload.replaceAll('"loaded":false', '"loaded":true').replace('6.1.9', '6.1.0'),
  ).toString('base64');
  await attachReferrer(client, 'let-in', digest, {
    artifactType: mediaTypes.sigstoreBundle,
    bytes: Buffer.from(JSON.stringify(bundle)),
    annotations: { 'dev.sigstore.bundle.predicateType': verifiedPredicate },
  });
  await heard('let-in', 3);
  await deploy('let-in', 'eth1').expect(422, /"verification-failed"/);
  const { statements } = await details('let-in');
  expect(statements.map(({ loaded, signer }) => [loaded, signer?.name ?? null]).sort()).toEqual([
    [false, 'builder.pub'],
    [true, null],
    [true, null],
  ]);
});

test('a search by kernel finds what a trusted key says, and not what others claim', async () => {
  for (const [name, { privateKey: key }] of Object.entries({ vouched: builder, claimed: stranger })) {
    await state({ name, digest: await publish(name), statement: gateStatement('6.12.3', true), key });
    await heard(name, 1);
  }
  await waitFor(async () => {
    const { body } = await api().get('/v1/packages/claimed').expect(200);
    return (body as PackageView).versions[0]?.verified.length === 1;
  }, 'the claim to be known');
  const { body } = await api().get('/v1/packages?kernel=6.12').expect(200);
  expect((body as PackageView[]).map(({ name }) => name)).toEqual(['vouched']);
});

test('keys that nodes are told to trust count, until they are revoked', async () => {
  const digest = await publish('trusted-later');
  await state({
    name: 'trusted-later',
    digest,
    statement: gateStatement('6.1.9', false),
    key: other.privateKey,
  });
  await heard('trusted-later', 1);
  const trust = (revoked: string[]) =>
    api()
      .put('/v1/trust/default')
      .send({ signers: [{ name: 'other', publicKey: other.publicKey, packages: ['trusted-*'] }], revoked })
      .expect(202);
  await trust([]);
  await deploy('trusted-later', 'eth2').expect(422, /"verification-failed"/);
  expect((await details('trusted-later')).statements).toMatchObject([{ signer: { name: 'other' } }]);
  await trust([keyIdOf(other.publicKey)]);
  await deploy('trusted-later', 'eth2').expect(202, /keys that are not trusted/);
});

test('where the policy says so, a kernel is asked first and the deployment waits for its answer', async () => {
  const policy = { onDrift: 'repair', onRevokedKey: 'report', probationSeconds: 60, onUnverified: 'verify' };
  await api().put('/v1/policies/default').send(policy).expect(202);
  const [loads, refuses] = [await publish('loads'), await publish('refuses')];
  const asked: string[] = [];
  const queue = plane.bus.workQueue({ consumer: verifyConsumer('6.1') }, async ({ stored }) => {
    for (const event of stored.events) {
      if (event.type !== 'VerificationRequested') continue;
      const { name, digest, kernel } = event.data;
      asked.push(`${name} ${String(kernel)}`);
      await state({
        name,
        digest,
        statement: gateStatement('6.1.7', name === 'loads'),
        key: builder.privateKey,
      });
    }
  });
  const accepted = await deploy('loads', 'eth3').expect(202);
  expect(accepted.body).not.toHaveProperty('warnings');
  await deploy('refuses', 'eth3').expect(422, /kernel 6\.1\.7 refuses it/);
  expect(asked).toEqual(['loads 6.1', 'refuses 6.1']);
  expect([loads, refuses].every((digest) => digest.startsWith('sha256:'))).toBe(true);
  await queue.stop();
  await api()
    .put('/v1/policies/default')
    .send({ ...policy, onUnverified: 'warn' })
    .expect(202);
});
