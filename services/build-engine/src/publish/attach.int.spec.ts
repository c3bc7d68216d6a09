import { provenancePredicate } from '@l3af/contracts';
import {
  attachReferrer,
  attachStatement,
  buildImage,
  generateSigningKey,
  listStatements,
  mediaTypes,
  RegistryClient,
} from '@l3af/oci';
import { freePort } from '@l3af/testing';
import { startDockerRegistry, type TestRegistry } from '../testing/registry';
import { attachAll } from './attach';

const [own, stranger] = [generateSigningKey(), generateSigningKey()];
const schema = { programs: [], maps: [], constants: [] };
const image = buildImage({ objects: [{ architecture: 'amd64', bytes: Buffer.from('\x7fELF') }], schema });
const { digest } = image;
let registry: TestRegistry;
let client: RegistryClient;

beforeAll(async () => {
  registry = await startDockerRegistry(await freePort());
  client = new RegistryClient(registry.url);
});
afterAll(() => registry.stop());

const statements = (name: string) =>
  listStatements(client, { name, digest, predicateType: provenancePredicate });
const attach = (name: string, build: number) =>
  attachAll({ client, name, digest, signingKey: own.privateKey, files: [], provenance: { build } });

test('the provenance is that of the first build', async () => {
  await client.push(image, 'mine', ['1']);
  await attach('mine', 1);
  const [first] = await statements('mine');
  await attach('mine', 2);
  expect(await statements('mine')).toEqual([first]);
});

test("others' provenance does not stand in the place of the builder's own", async () => {
  await client.push(image, 'theirs', ['1']);
  const [predicateType, predicate] = [provenancePredicate, { build: 0 }];
  await attachStatement(client, 'theirs', digest, {
    ...{ predicateType, predicate, privateKeyPem: stranger.privateKey },
  });
  await attachReferrer(client, 'theirs', digest, {
    artifactType: mediaTypes.sigstoreBundle,
    bytes: Buffer.from('{}'),
    annotations: { 'dev.sigstore.bundle.predicateType': predicateType },
  });
  await attach('theirs', 1);
  await attach('theirs', 2);
  expect(await statements('theirs')).toHaveLength(3);
});
