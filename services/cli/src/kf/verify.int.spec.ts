import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  attachmentTypes,
  provenancePredicate,
  verifiedPredicate,
  type VerifiedStatement,
} from '@l3af/contracts';
import {
  attachReferrer,
  attachStatement,
  buildImage,
  generateSigningKey,
  keyIdOf,
  mediaTypes,
  RegistryClient,
  signDigest,
} from '@l3af/oci';
import { createLogger } from '@l3af/telemetry';
import { startNats, type TestNats } from '@l3af/testing';
// eslint-disable-next-line @nx/enforce-module-boundaries -- specs run against the real registry, not a stand-in
import { readSettings, startRegistry, type RunningRegistry } from '../../../artifact-registry/src/index';
import { capture } from '../testing/captured';
import type { AttachedCheck } from './attached-checks';

const [builder, stranger] = [generateSigningKey(), generateSigningKey('ed25519')];
const said: VerifiedStatement = {
  ...{ kernel: '6.1.9', architecture: 'amd64', objectDigest: '', loaded: true, programs: [] },
  tests: { passed: 1, failed: 0, skipped: 0 },
};

let nats: TestNats;
let registry: RunningRegistry;
let client: RegistryClient;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'l3af-cli-verify-'));
  writeFileSync(join(folder, 'builder.pub'), builder.publicKey);
  nats = await startNats();
  const settings = readSettings({ NATS_URL: nats.url, L3AF_REGISTRY_PORT: '0' });
  registry = await startRegistry(settings, createLogger('artifact-registry', 'silent'));
  await registry.ready;
  client = new RegistryClient(`http://127.0.0.1:${registry.port}`);
});
afterAll(async () => {
  await registry.close();
  await nats.stop();
  rmSync(folder, { recursive: true });
});

/** A version that the builder signed, with its SBOM and provenance. */
async function publish(name: string): Promise<string> {
  const objects = [{ architecture: 'amd64', bytes: Buffer.from(`\x7fELF ${name}`, 'latin1') }];
  const schema = { programs: [{ name: 'gate', section: 'xdp', type: 'xdp' }], maps: [], constants: [] };
  const { digest } = await client.push(buildImage({ objects, schema }), name, ['1.0.0']);
  await signDigest(client, name, digest, builder.privateKey);
  await attachReferrer(client, name, digest, {
    artifactType: attachmentTypes.sbom,
    bytes: Buffer.from('{"spdxVersion":"SPDX-2.3"}'),
  });
  await state(name, digest, { predicateType: provenancePredicate, predicate: {}, key: builder.privateKey });
  return digest;
}
const state = (
  name: string,
  digest: string,
  { key, ...statement }: { predicateType: string; predicate: unknown; key: string },
) => attachStatement(client, name, digest, { ...statement, privateKeyPem: key });
const verify = (name: string, ...args: string[]) =>
  capture([
    ...['kf', 'verify', `${name}@1.0.0`, '--key', join(folder, 'builder.pub')],
    ...['--registry', `http://127.0.0.1:${registry.port}`, ...args],
  ]);
const attached = (stdout: string): AttachedCheck[] =>
  (JSON.parse(stdout) as { attached: AttachedCheck[] }).attached;

test('what is attached is told with who signed it', async () => {
  const digest = await publish('sound');
  await state('sound', digest, {
    predicateType: verifiedPredicate,
    predicate: said,
    key: builder.privateKey,
  });
  const shown = await verify('sound', '--statements');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toContain(`sound@${digest} is signed by`);
  const keyId = keyIdOf(builder.publicKey);
  const lines = shown.stdout.split('\n').filter((line) => line.includes('sha256:'));
  expect(lines.slice(1).sort()).toEqual([
    expect.stringMatching(/^SBOM .* not signed$/),
    expect.stringMatching(`^provenance .*${keyId.slice(0, 16)}`),
    expect.stringMatching(`^verified on kernel 6\\.1\\.9 amd64 .*${keyId.slice(0, 16)}`),
  ]);
  const { stdout } = await verify('sound', '-o', 'json');
  expect(JSON.parse(stdout)).toMatchObject({ name: 'sound', digest, keyId });
  expect(
    attached(stdout)
      .map(({ type, state: is, signer }) => [type, is, signer?.keyId])
      .sort(),
  ).toEqual([
    [attachmentTypes.sbom, 'unsigned', undefined],
    [provenancePredicate, 'trusted', keyId],
    [verifiedPredicate, 'trusted', keyId],
  ]);
});

test('statements that cannot be trusted are named, and fail when they are asked for', async () => {
  const digest = await publish('doubtful');
  const refused = { ...said, loaded: false };
  await state('doubtful', digest, {
    ...{ predicateType: verifiedPredicate, predicate: refused, key: stranger.privateKey },
  });
  // A genuine statement about something else.
  const other = await publish('other');
  const [genuine] = (await client.referrers('other', other)).filter(
    ({ annotations }) => annotations?.['dev.sigstore.bundle.predicateType'] === provenancePredicate,
  );
  const manifest = JSON.parse(
    Buffer.from((await client.getManifest('other', genuine!.digest)).bytes).toString(),
  ) as { layers: { digest: string }[] };
  await attachReferrer(client, 'doubtful', digest, {
    artifactType: mediaTypes.sigstoreBundle,
    bytes: await client.getBlob('other', manifest.layers[0]!.digest, 100_000),
    annotations: { 'dev.sigstore.bundle.predicateType': provenancePredicate },
  });
  const shown = await verify('doubtful');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toContain('refused by kernel 6.1.9 amd64');
  const { stdout } = await verify('doubtful', '-o', 'json');
  const wrong = attached(stdout).filter(({ problem }) => problem !== undefined);
  expect(wrong.map(({ state: is, problem }) => [is, problem]).sort()).toEqual([
    ['invalid', 'it is no such statement about this version'],
    [
      'untrusted',
      `nobody signed it who is trusted, it says that key ${keyIdOf(stranger.publicKey).slice(0, 16)} did`,
    ],
  ]);
  const strict = await verify('doubtful', '--statements');
  expect(strict.code).toBe(1);
  expect(strict.stdout).toContain('refused by kernel 6.1.9 amd64');
  expect(strict.stderr).toContain('2 statements attached cannot be trusted');
});

test('a version that nobody signed fails, whatever is attached', async () => {
  const objects = [{ architecture: 'amd64', bytes: Buffer.from('\x7fELF bare', 'latin1') }];
  const { digest } = await client.push(
    buildImage({ objects, schema: { programs: [], maps: [], constants: [] } }),
    'bare',
    ['1.0.0'],
  );
  await state('bare', digest, { predicateType: provenancePredicate, predicate: {}, key: builder.privateKey });
  const { code, stdout, stderr } = await verify('bare');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('it is not signed');
});
