import { deriveSchema } from '@l3af/bpf-object';
import {
  attachmentTypes,
  buildConsumer,
  verifiedPredicate,
  verifyRequestSubject,
  type Manifest,
  type PackageDetails,
  type PackageView,
  type StatusView,
  type VerifiedStatement,
} from '@l3af/contracts';
import { attachReferrer, attachStatement, buildImage, generateSigningKey, RegistryClient } from '@l3af/oci';
import { compileStripped, waitFor } from '@l3af/testing';
import { documentOf, pathOf } from '../testing/chain-of';
import { digestOf } from '../testing/control-plane';
import { useControlPlane } from '../testing/use-control-plane';

jest.setTimeout(240_000);

const plane = useControlPlane({ registry: true });
const { api } = plane;
const key = generateSigningKey();

const manifest: Manifest = {
  ...{ apiVersion: 'l3af/v1', kind: 'KernelFunction', name: 'team/gate', version: '1.0.0' },
  description: 'Opens and closes',
  config: { limit: { description: 'Packets per second' } },
};
const image = buildImage({
  objects: [{ architecture: 'amd64', bytes: Buffer.from('\x7fELF gate', 'latin1') }],
  manifest,
  schema: { programs: [{ name: 'gate', section: 'xdp', type: 'xdp' }], maps: [], constants: [] },
});
const statement: VerifiedStatement = {
  ...{ kernel: '6.1.0', architecture: 'amd64', objectDigest: digestOf('e'), loaded: true },
  programs: [{ name: 'gate', hook: 'xdp', loaded: true, instructions: 77, nanosecondsPerPacket: 12 }],
  tests: { passed: 3, failed: 0, skipped: 0 },
};

beforeAll(async () => {
  const client = new RegistryClient(plane.registryUrl);
  await client.push(image, 'team/gate', ['1.0.0']);
  const { digest } = await client.resolve('team/gate', '1.0.0');
  const readme = { artifactType: attachmentTypes.readme, bytes: Buffer.from('# Gate\n') };
  await attachReferrer(client, 'team/gate', digest, readme);
  const signed = { predicateType: verifiedPredicate, predicate: statement, privateKeyPem: key.privateKey };
  await attachStatement(client, 'team/gate', digest, signed);
  await waitFor(async () => (await named({ text: 'gate' })).length > 0, 'the package to be projected');
});

const named = async (query: object): Promise<string[]> => {
  const { body } = await api().get('/v1/packages').query(query).expect(200);
  return (body as PackageView[]).flatMap(({ name, versions }) =>
    versions.map(({ version }) => `${name}@${version}`),
  );
};
const version = '/v1/packages/team%2Fgate/versions/1.0.0';

test('a search finds versions by what they are', async () => {
  expect(await named({ text: 'closes' })).toEqual(['team/gate@1.0.0']);
  expect(await named({ hook: 'xdp', text: 'gate' })).toEqual(['team/gate@1.0.0']);
  expect(await named({ text: 'firewall' })).toEqual(['firewall@1.0.0']); // 1.1.0 is yanked
  expect(await named({ type: 'tracepoint' })).toEqual([]);
  expect((await named({})).length).toBeGreaterThan(3);
  await api()
    .get('/v1/packages')
    .query({ hook: 'nowhere' })
    .expect(400, /"invalid-request"/);
});

test('a version is shown with its image, what is attached, and who runs it', async () => {
  const kf = { package: 'team/gate@1.0.0', name: 'front', enabled: false };
  await api()
    .put(pathOf('eth1'))
    .send(documentOf('eth1', [kf]))
    .expect(202);
  const found = await waitFor(async () => {
    const details = (await api().get(version).expect(200)).body as PackageDetails;
    return details.usedBy.length > 0 && details;
  }, 'the chain to be projected');
  expect(found).toMatchObject({
    ...{ name: 'team/gate', version: '1.0.0', digest: image.digest, readme: '# Gate\n' },
    manifest: { config: { limit: { description: 'Packets per second' } } },
    statements: [statement],
    needs: null, // it is no object that could be read
    usedBy: [
      {
        ...{ node: 'demo-1', interface: 'eth1', hook: 'xdp', kf: 'front' },
        ...{ enabled: false, revision: 1, state: 'pending' },
      },
    ],
  });
  expect(found).not.toHaveProperty('problem');
  expect(found.attachments.map(({ title }) => title)).toContain(verifiedPredicate);
  await api()
    .get('/v1/packages/team%2Fgate/versions/9')
    .expect(404, /"unknown-version"/);
  // In the events, not in the registry: what is known is shown, and why the rest is not.
  const { body } = await api().get('/v1/packages/firewall/versions/1.0.0').expect(200);
  expect(body).toMatchObject({ readme: null, problem: { code: expect.any(String) as unknown } });
});

test('a version is shown with what its object asks of a kernel, whoever pushed it', async () => {
  const object = compileStripped(`
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
static long step(unsigned i, void *context) { return 0; }
SEC("xdp") int wait_for_it(struct xdp_md *ctx) { return bpf_loop(7, step, 0, 0) ? XDP_PASS : XDP_DROP; }
char l[] SEC("license") = "GPL";
`);
  const schema = deriveSchema(object);
  const pushed = buildImage({ objects: [{ architecture: 'amd64', bytes: object }], schema });
  await new RegistryClient(plane.registryUrl).push(pushed, 'team/looping', ['1.0.0']);
  await waitFor(async () => (await named({ text: 'looping' })).length > 0, 'the package to be projected');
  const { body } = await api().get('/v1/packages/team%2Flooping/versions/1.0.0').expect(200);
  expect((body as PackageDetails).needs).toMatchObject({
    ...{ kernel: '5.17', helpers: [{ name: 'loop', kernel: '5.17' }], byteOrder: 'little' },
    programs: [{ name: 'xdp', kernel: '4.8' }],
  });
});

test('kernels are asked about a version that was pushed', async () => {
  const path = `${version}/verify`;
  await api().post(path).send({ kernel: 'newest' }).expect(400);
  const unknown = '/v1/packages/team%2Fgate/versions/9/verify';
  await api()
    .post(unknown)
    .send({})
    .expect(404, /"unknown-version"/);
  const asked = await api()
    .post(path)
    .set('x-l3af-actor', 'ann')
    .send({ kernel: '6.1.0-13-amd64' })
    .expect(202);
  expect(asked.body).toMatchObject({ name: 'team/gate', version: '1.0.0', digest: image.digest });
  const last = await plane.bus.store.last(verifyRequestSubject('team/gate'));
  expect(last).toMatchObject({
    sequence: (asked.body as { sequence: number }).sequence,
    envelope: { actor: 'ann' },
    events: [
      {
        type: 'VerificationRequested',
        data: { digest: image.digest, packageVersion: '1.0.0', kernel: '6.1' },
      },
    ],
  });
});

test('a yank is stored with its author, names who runs the version, and keeps new deployments out', async () => {
  const path = `${version}/yank`;
  await api().post(path).send({ reason: ' ' }).expect(400);
  await api()
    .post('/v1/packages/team%2Fgate/versions/9/yank')
    .send({ reason: 'x' })
    .expect(404, /"unknown-version"/);
  const yanked = await api()
    .post(path)
    .set('x-l3af-actor', 'J%C3%B6rg')
    .send({ reason: 'lets all pass' })
    .expect(202);
  expect(yanked.body).toMatchObject({ name: 'team/gate', usedBy: [{ interface: 'eth1', kf: 'front' }] });
  const insert = () =>
    api()
      .post(`${pathOf('eth2')}/kfs`)
      .send({ kf: { package: 'team/gate@1.0.0' } });
  await insert().expect(422, /it is yanked: lets all pass/);
  expect(await named({ text: 'gate' })).toEqual([]);
});

test('the status tells of the registry and of builders', async () => {
  const status = async (): Promise<StatusView> =>
    (await api().get('/v1/status').expect(200)).body as StatusView;
  expect(await status()).toMatchObject({ registry: { reachable: true }, builders: null });
  const queue = plane.bus.workQueue({ consumer: buildConsumer }, () => Promise.resolve('done'));
  await waitFor(async () => (await status()).builders?.idle === 1, 'the builder to be seen');
  await queue.stop();
});
