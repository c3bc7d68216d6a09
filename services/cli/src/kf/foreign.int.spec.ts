import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  attachReferrer,
  attachStatement,
  buildImage,
  cosignPredicate,
  generateSigningKey,
  imageIndexSchema,
  imageManifestSchema,
  keyIdAnnotation,
  keyIdOf,
  mediaTypes,
  RegistryClient,
  signatureTag,
  signDigest,
} from '@l3af/oci';
import { createLogger } from '@l3af/telemetry';
import {
  createKeylessAuthority,
  freePort,
  startNats,
  waitFor,
  type KeylessAuthority,
  type TestNats,
} from '@l3af/testing';
// eslint-disable-next-line @nx/enforce-module-boundaries -- specs run against the real registry, not a stand-in
import { readSettings } from '../../../artifact-registry/src/settings';
// eslint-disable-next-line @nx/enforce-module-boundaries -- as above
import { startRegistry, type RunningRegistry } from '../../../artifact-registry/src/start-registry';
import { capture } from '../testing/captured';

const schema = { programs: [{ name: 'gate', section: 'xdp', type: 'xdp' }], maps: [], constants: [] };
const object = Buffer.from('\x7fELF foreign gate', 'latin1');
const image = buildImage({ objects: [{ architecture: 'amd64', bytes: object }], schema });
const key = generateSigningKey();
const [identity, issuer] = ['https://ci.example.org/gate@v1', 'https://ci.example.org'];

let nats: TestNats;
let ours: RunningRegistry;
let peer: ChildProcess;
let far: string;
let folder: string;
let authority: KeylessAuthority;
const at = (name: string): string => join(folder, name);
const kf = (...args: string[]) => capture(['kf', ...args]);
const here = () => `http://127.0.0.1:${ours.port}`;

beforeAll(async () => {
  nats = await startNats();
  folder = mkdtempSync(join(tmpdir(), 'l3af-cli-foreign-'));
  const settings = readSettings({ NATS_URL: nats.url, L3AF_REGISTRY_PORT: '0' });
  ours = await startRegistry(settings, createLogger('artifact-registry', 'silent'));
  await ours.ready;
  far = await startPeer();
  const client = new RegistryClient(far);
  await client.push(image, 'acme/gate', ['1.0.0', 'latest']);
  await signDigest(client, 'acme/gate', image.digest, key.privateKey);
  authority = await createKeylessAuthority();
  await signKeyless(client);
  writeFileSync(at('ann.pub'), key.publicKey);
  writeFileSync(at('trusted_root.json'), JSON.stringify(authority.trustedRoot));
});
afterAll(async () => {
  const exited = once(peer, 'exit');
  peer.kill('SIGTERM');
  await exited;
  await ours.close();
  await nats.stop();
  rmSync(folder, { recursive: true });
});

/** Somebody else's registry: Debian's docker-registry, which knows neither referrers nor packages. */
async function startPeer(): Promise<string> {
  const port = await freePort();
  mkdirSync(at('docker'));
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: at('docker') } },
    http: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(at('docker.yml'), JSON.stringify(config));
  peer = spawn('docker-registry', ['serve', at('docker.yml')], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await waitFor(async () => (await fetch(`${url}/v2/`)).ok, 'docker-registry to answer');
  return url;
}

async function signKeyless(client: RegistryClient): Promise<void> {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: image.digest.slice('sha256:'.length) } }],
    predicateType: cosignPredicate,
    predicate: {},
  };
  const bundle = await authority.bundle(Buffer.from(JSON.stringify(statement)), { identity, issuer });
  const bytes = Buffer.from(JSON.stringify(bundle));
  await attachReferrer(client, 'acme/gate', image.digest, { artifactType: mediaTypes.sigstoreBundle, bytes });
}

const verify = (registry: string, name: string, ...who: string[]) =>
  kf('verify', name, '--registry', registry, ...who);
const keyless = (who: string) => [
  ...['--trusted-root', at('trusted_root.json'), '--identity', who],
  ...['--issuer', issuer],
];

test('a version of any registry is pulled with its signatures, and pushes to ours as it was', async () => {
  const pulled = await kf('pull', 'acme/gate@1.0.0', '--registry', far, '-o', at('pulled'));
  expect(pulled).toMatchObject({ code: 0, stderr: '' });
  expect(readFileSync(at('pulled/gate.amd64.o'))).toEqual(object);
  const again = await kf('pull', 'acme/gate@1.0.0', '--registry', far, '-o', at('pulled'));
  expect(again.stderr).toContain('it is not empty');
  const pushed = await kf('push', at('pulled'), '--name', 'pushed/gate', '--registry', here());
  expect(pushed.stdout).toBe(`pushed/gate@1.0.0 ${image.digest}\n`);
  expect((await verify(here(), 'pushed/gate@1.0.0', '--key', at('ann.pub'))).code).toBe(0);
  expect((await verify(here(), 'pushed/gate@1.0.0', ...keyless(identity))).code).toBe(0);
  const exported = await kf('export', 'acme/gate@1.0.0', '--registry', far, '-o', at('far.tar'));
  expect(exported.stderr).toContain('is no registry of ours');
});

test('what is pushed to a registry that is not ours has all that is attached, at every level', async () => {
  const near = new RegistryClient(here());
  const statement = {
    predicateType: 'https://example.org/audit',
    predicate: {},
    privateKeyPem: key.privateKey,
  };
  await near.push(image, 'deep/gate', ['1.0.0']);
  await signDigest(near, 'deep/gate', image.digest, key.privateKey);
  const { digest: audit } = await attachStatement(near, 'deep/gate', image.digest, statement);
  await signDigest(near, 'deep/gate', audit, key.privateKey);
  const signature = await near.getManifest('deep/gate', signatureTag(image.digest));
  await near.putManifest('deep/gate', signatureTag(audit).replace('.sig', '.att'), signature);
  expect((await kf('export', 'deep/gate@1.0.0', '--registry', here(), '-o', at('deep.tar'))).code).toBe(0);
  expect((await kf('pull', 'deep/gate@1.0.0', '--registry', here(), '-o', at('deep'))).code).toBe(0);
  const refused = await kf('import', at('deep.tar'), '--registry', far);
  expect(refused.stderr).toContain('is no registry of ours');

  const line = (name: string) => `${name}@1.0.0 ${image.digest}\n`;
  const push = (path: string, name: string) => kf('push', at(path), '--name', name, '--registry', far);
  for (const [path, name] of [
    ['deep', 'acme/folder'],
    ['deep.tar', 'acme/archive'],
  ] as const) {
    expect(await push(path, name)).toEqual({ code: 0, stdout: line(name), stderr: '' });
    expect(await push(path, name)).toEqual({ code: 0, stdout: line(name), stderr: '' });
    expect((await verify(far, `${name}@1.0.0`, '--key', at('ann.pub'))).code).toBe(0);
  }
  const pulled = await kf('pull', 'acme/folder@1.0.0', '--registry', far, '-o', at('deeper'));
  expect(pulled).toMatchObject({ code: 0, stderr: '' });
  const listed = (name: string): string[] => {
    const { manifests } = imageIndexSchema.parse(JSON.parse(readFileSync(at(`${name}/index.json`), 'utf8')));
    return manifests
      .map((one) => `${one.digest} ${one.annotations?.['org.opencontainers.image.ref.name'] ?? ''}`)
      .sort();
  };
  // The version, its two signatures, the audit, its two signatures, and what lies under the tag .att.
  expect(listed('deep')).toHaveLength(7);
  expect(listed('deeper')).toEqual(listed('deep'));
});

test('what others have put under a name of a registry that is not ours stays', async () => {
  const other = generateSigningKey();
  const theirs = new RegistryClient(far);
  await theirs.push(image, 'acme/shared', ['1.0.0']);
  await signDigest(theirs, 'acme/shared', image.digest, other.privateKey);
  const push = () => kf('push', at('deep'), '--name', 'acme/shared', '--registry', far);
  expect(await push()).toMatchObject({ code: 0, stderr: '' });
  const { bytes } = await theirs.getManifest('acme/shared', signatureTag(image.digest));
  const { layers } = imageManifestSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  expect(layers.map(({ annotations }) => annotations?.[keyIdAnnotation])).toEqual([
    keyIdOf(other.publicKey),
    keyIdOf(key.publicKey),
  ]);

  const changed = buildImage({
    objects: [{ architecture: 'amd64', bytes: Buffer.from('\x7fELF 2') }],
    schema,
  });
  await theirs.push(changed, 'acme/shared', ['1.0.0']);
  const refused = await push();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`the registry has it as ${changed.digest}`);
});

test('a version of any registry is mirrored by ours, with a version where it has none', async () => {
  const from = ['--from', far, '--plain-http', '--registry', here()];
  expect((await kf('mirror', 'acme/gate@1.0.0', '--from', far, '--registry', here())).stderr).toMatch(
    /plain HTTP/,
  );
  const named = await kf('mirror', 'acme/gate@1.0.0', ...from, '--name', 'mirrored/gate');
  expect(named).toMatchObject({ code: 0, stdout: `mirrored/gate@1.0.0 ${image.digest}\n` });
  const newest = await kf('mirror', 'acme/gate', ...from, '-o', 'json');
  expect(JSON.parse(newest.stdout)).toMatchObject({
    name: 'acme/gate',
    version: `0.0.0-${image.digest.slice(7, 19)}`,
    digest: image.digest,
  });
  const asked = await kf('mirror', 'acme/gate', ...from, '--version', '7');
  expect(asked.stdout).toBe(`acme/gate@7 ${image.digest}\n`);
  expect((await verify(here(), 'mirrored/gate@1.0.0', '--key', at('ann.pub'))).code).toBe(0);
});

test('an archive of any tool is imported, with a version for what came as latest', () => {
  const source = `docker://${far.replace('http://', '')}/acme/gate:latest`;
  const copy = ['copy', '--all', '--src-tls-verify=false', source, `oci-archive:${at('latest.tar')}:latest`];
  execFileSync('skopeo', ['--insecure-policy', ...copy], { stdio: 'pipe' });
  const imported = kf('import', at('latest.tar'), '--name', 'imported/gate', '--registry', here());
  return expect(imported).resolves.toMatchObject({
    code: 0,
    stdout: `imported/gate@0.0.0-${image.digest.slice(7, 19)} ${image.digest}\n`,
  });
});

test('certificates are held against a root without any network, wherever the package lies', async () => {
  const right = await verify(far, 'acme/gate@1.0.0', ...keyless('https://ci.example.org/*'));
  expect(right).toMatchObject({ code: 0, stderr: '' });
  expect(right.stdout).toContain(`(${identity}, says ${issuer})`);
  const wrong = await verify(far, 'acme/gate@1.0.0', ...keyless('bob@example.org'));
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain(`"${identity}" of issuer "${issuer}" signed it, who is not trusted`);
  const half = await verify(far, 'acme/gate@1.0.0', '--identity', 'bob@example.org');
  expect(half).toMatchObject({ code: 2 });
  writeFileSync(at('no_root.json'), '{}');
  const noRoot = await verify(
    far,
    'acme/gate@1.0.0',
    ...['--trusted-root', at('no_root.json'), '--identity', '*', '--issuer', '*'],
  );
  expect(noRoot.stderr).toContain('it has no certificate authority');
});
