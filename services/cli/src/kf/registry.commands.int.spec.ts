import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attachmentTypes, type Manifest } from '@l3af/contracts';
import { attachReferrer, buildImage, generateSigningKey, RegistryClient } from '@l3af/oci';
import { createLogger } from '@l3af/telemetry';
import { startNats, type TestNats } from '@l3af/testing';
// eslint-disable-next-line @nx/enforce-module-boundaries -- specs run against the real registry, not a stand-in
import { readSettings } from '../../../artifact-registry/src/settings';
// eslint-disable-next-line @nx/enforce-module-boundaries -- as above
import { startRegistry, type RunningRegistry } from '../../../artifact-registry/src/start-registry';
import { capture } from '../testing/captured';
import { startFixedApi } from '../testing/fixed-api';

const manifest: Manifest = {
  ...{ apiVersion: 'l3af/v1', kind: 'KernelFunction', name: 'team/gate', version: '1.0.0' },
  description: 'Opens and closes',
};
const object = Buffer.from('\x7fELF gate', 'latin1');
const image = buildImage({
  objects: ['amd64', 'arm64'].map((architecture) => ({ architecture, bytes: object })),
  manifest,
  schema: { programs: [{ name: 'gate', section: 'xdp', type: 'xdp' }], maps: [], constants: [] },
});

interface Site {
  nats: TestNats;
  registry: RunningRegistry;
  url: string;
}

async function startSite(): Promise<Site> {
  const nats = await startNats();
  const settings = readSettings({ NATS_URL: nats.url, L3AF_REGISTRY_PORT: '0' });
  const registry = await startRegistry(settings, createLogger('artifact-registry', 'silent'));
  await registry.ready;
  return { nats, registry, url: `http://127.0.0.1:${registry.port}` };
}

let sites: Site[];
let folder: string;
const key = generateSigningKey('ed25519');
const other = generateSigningKey();

beforeAll(async () => {
  sites = await Promise.all([startSite(), startSite()]);
  folder = mkdtempSync(join(tmpdir(), 'l3af-cli-'));
  writeFileSync(join(folder, 'my.key'), key.privateKey);
  writeFileSync(join(folder, 'my.pub'), key.publicKey);
  writeFileSync(join(folder, 'other.pub'), other.publicKey);
  const client = new RegistryClient(sites[0]!.url);
  const { digest } = await client.push(image, 'team/gate', ['1.0.0']);
  const readme = { artifactType: attachmentTypes.readme, bytes: Buffer.from('# Gate\n') };
  await attachReferrer(client, 'team/gate', digest, readme);
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  for (const { registry, nats } of sites) {
    await registry.close();
    await nats.stop();
  }
});

const at = (name: string): string => join(folder, name);
const kf = (site: number, ...args: string[]) => capture(['kf', ...args, '--registry', sites[site]!.url]);
const verify = (site: number, publicKey: string, name = 'team/gate@1.0.0') =>
  kf(site, 'verify', name, '--key', at(publicKey));

test('a version is verified by the key that signed it, and by no other', async () => {
  const unsigned = await verify(0, 'my.pub');
  expect(unsigned.code).toBe(1);
  expect(unsigned.stderr).toContain('it is not signed');
  expect((await kf(0, 'sign', 'team/gate@1.0.0', '--key', at('my.key'))).code).toBe(0);
  const signed = await verify(0, 'my.pub');
  expect(signed).toMatchObject({ code: 0, stderr: '' });
  expect(signed.stdout).toContain(`team/gate@${image.digest} is signed by ${at('my.pub')}`);
  expect((await verify(0, 'other.pub')).stderr).toContain('none of its 2 signatures is by one of the 1 keys');
  expect((await kf(0, 'sign', 'team/gate@1.0.0', '--key', at('my.pub'))).code).toBe(1);
  expect((await verify(0, 'my.key')).stderr).toContain('it holds no public key');
});

test('without a key, those that nodes trust are asked for', async () => {
  const signers = [{ name: 'ann', publicKey: key.publicKey, packages: ['team/*'] }];
  const trust = { json: { group: 'default', signers, revoked: [] } };
  await using api = await startFixedApi({ 'GET /v1/trust/default': trust });
  const { code, stdout } = await kf(0, 'verify', 'team/gate@1.0.0', '--api', api.url, '-o', 'json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ name: 'team/gate', digest: image.digest, signer: 'ann' });
});

test('without any trust, the key of what runs here is used, but not for another API', async () => {
  mkdirSync(at('home/keys'), { recursive: true });
  const noTrust = {
    json: { code: 'unknown-object', detail: 'Cannot show trust: there is none' },
    status: 404,
  };
  await using api = await startFixedApi({ 'GET /v1/trust/default': noTrust });
  writeFileSync(at('home/keys/signing.pub'), key.publicKey);
  const endpoints = { api: api.url, registry: sites[0]!.url };
  writeFileSync(at('home/endpoints.json'), JSON.stringify(endpoints));
  const env = { L3AF_HOME: at('home') };
  const args = ['kf', 'verify', 'team/gate@1.0.0'];
  expect((await capture(args, { env })).stdout).toContain(`is signed by ${at('home/keys/signing.pub')}`);
  const elsewhere = await capture([...args, '--api', api.url, '--registry', sites[0]!.url], { env });
  expect(elsewhere).toMatchObject({ code: 1, stdout: '' });
  expect(elsewhere.stderr).toContain('no trust is set for the group "default"');
});

test('a pulled folder holds what people look for, and pushes back as it was, signatures included', async () => {
  const pulled = await kf(0, 'pull', 'team/gate@1.0.0', '--output', at('pulled'));
  expect(pulled.code).toBe(0);
  expect(readFileSync(at('pulled/gate.amd64.o'))).toEqual(object);
  expect(readFileSync(at('pulled/kf.yaml'), 'utf8')).toContain('description: Opens and closes');
  expect(readFileSync(at('pulled/README.md'), 'utf8')).toBe('# Gate\n');
  const again = await kf(0, 'pull', 'team/gate@1.0.0', '-o', at('pulled'));
  expect(again.stderr).toContain('it is not empty');

  const pushed = await kf(1, 'push', at('pulled'), '--name', 'copy/gate');
  expect(pushed.stdout).toBe(`copy/gate@1.0.0 ${image.digest}\n`);
  expect((await verify(1, 'my.pub', 'copy/gate@1.0.0')).code).toBe(0);
});

test('an exported file is imported elsewhere with everything attached', async () => {
  expect((await kf(0, 'export', 'team/gate@1.0.0', '-o', at('gate.tar'))).code).toBe(0);
  const imported = await kf(1, 'import', at('gate.tar'));
  expect(imported).toMatchObject({ code: 0, stdout: `team/gate@1.0.0 ${image.digest}\n` });
  expect((await verify(1, 'my.pub')).code).toBe(0);
  const referrers = (site: number) =>
    new RegistryClient(sites[site]!.url).referrers('team/gate', image.digest);
  const digests = async (site: number) => (await referrers(site)).map(({ digest }) => digest).sort();
  expect(await digests(1)).toEqual(await digests(0));
  expect((await digests(1)).length).toBeGreaterThan(1);
});

test('what breaks off or is something else leaves no file and no version', async () => {
  const missing = await kf(0, 'export', 'team/gate@9', '-o', at('missing.tar'));
  expect(missing.code).toBe(1);
  writeFileSync(at('half.tar'), readFileSync(at('gate.tar')).subarray(0, 3000));
  expect((await kf(1, 'import', at('half.tar'), '--name', 'half')).code).toBe(1);
  expect((await kf(1, 'push', at('my.pub'))).code).toBe(1);
  expect((await kf(1, 'push', folder)).stderr).toContain('it is no OCI layout');
  expect(readdirSync(folder).filter((name) => /missing|part/.test(name))).toEqual([]);
  await expect(new RegistryClient(sites[1]!.url).resolve('half', '1.0.0')).rejects.toThrow();
});

test('the registry is found by what the API says of it', async () => {
  const status = {
    bus: { connected: true, server: null, serverVersion: null, reconnects: 0 },
    ...{ streamSequence: 1, projections: [], nodes: [], problems: [] },
    registry: { url: sites[0]!.url, reachable: true },
  };
  await using api = await startFixedApi({ 'GET /v1/status': { json: status } });
  const args = ['kf', 'verify', 'team/gate@1.0.0', '--key', at('my.pub'), '--api', api.url];
  expect((await capture(args)).code).toBe(0);
  const named = await capture(args, { env: { L3AF_REGISTRY_URL: 'http://127.0.0.1:1' } });
  expect(named.stderr).toContain('Cannot reach registry "http://127.0.0.1:1"');
});
