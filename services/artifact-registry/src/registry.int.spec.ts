import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageSubject, verifiedPredicate } from '@l3af/contracts';
import type { Manifest, ObjectSchema, VerifiedStatement } from '@l3af/contracts';
import {
  attachReferrer,
  attachStatement,
  buildImage,
  generateSigningKey,
  keyIdOf,
  type RegistryClient,
  signDigest,
  verifySignature,
} from '@l3af/oci';
import { useServers } from './testing/use-servers';
import type { StartedRegistry } from './testing/use-servers';

const run = promisify(execFile);
const skopeo = (...args: string[]) => run('skopeo', ['--insecure-policy', ...args]);

const schema: ObjectSchema = {
  programs: [{ name: 'pass', section: 'xdp', type: 'xdp' }],
  maps: [],
  constants: [],
  license: 'GPL',
};
const manifestFor = (name: string, version: string): Manifest => ({
  apiVersion: 'l3af/v1',
  kind: 'KernelFunction',
  name,
  version,
  description: 'lets everything pass',
});
const elf = (text: string): Uint8Array => Buffer.from(`\x7fELF${text}`, 'latin1');
const imageOf = (name: string, version: string, text = 'object') =>
  buildImage({
    objects: [
      { architecture: 'amd64', bytes: elf(`${text} amd64`) },
      { architecture: 'arm64', bytes: elf(`${text} arm64`) },
    ],
    manifest: manifestFor(name, version),
    schema,
  });

describe.each(['JetStream', 'a directory'])('the registry on %s', (backend) => {
  const servers = useServers();
  let registry: StartedRegistry;
  let client: RegistryClient;

  beforeAll(async () => {
    const blobs = backend === 'a directory' && { L3AF_BLOB_DIR: join(servers.folder, 'blobs') };
    registry = await servers.start({ ...blobs });
    ({ client } = registry);
  });

  const events = async (name: string) => {
    const found = [];
    for await (const stored of servers.bus.store.read({ subject: packageSubject(name) }))
      found.push(...stored.events);
    return found;
  };

  it('takes a package, gives each architecture back by digest, and announces it once', async () => {
    const image = imageOf('firewall', '1.0.0');
    await client.push(image, 'firewall', ['1.0.0']);
    await client.push(image, 'firewall', ['1.0.0']);

    const { digest } = await client.resolve('firewall', '1.0.0');
    expect(digest).toBe(image.digest);
    const pulled = await client.pullObject('firewall', digest, 'arm64');
    expect(Buffer.from(pulled.object)).toEqual(elf('object arm64'));
    expect(pulled.labels['io.ebpf.programs']).toBe('{"pass":"xdp"}');
    expect(await events('firewall')).toEqual([
      {
        type: 'PackagePublished',
        version: 1,
        data: expect.objectContaining({
          name: 'firewall',
          packageVersion: '1.0.0',
          digest,
          architectures: ['amd64', 'arm64'],
          schema,
          description: 'lets everything pass',
          license: 'GPL',
        }),
      },
    ]);
  });

  it('never changes a version, but moves latest', async () => {
    await client.push(imageOf('fixed', '1.0.0'), 'fixed', ['1.0.0', 'latest']);
    const other = imageOf('fixed', '1.0.0', 'other');
    await expect(client.push(other, 'fixed', ['1.0.0'])).rejects.toMatchObject({ code: 'version-exists' });
    await client.deleteManifest('fixed', '1.0.0');
    await expect(client.push(other, 'fixed', ['1.0.0'])).rejects.toMatchObject({ code: 'version-exists' });
    await client.push(other, 'fixed', ['1.0.1', 'latest']);
    expect((await client.resolve('fixed', 'latest')).digest).toBe(other.digest);
    expect((await events('fixed')).map(({ type }) => type)).toEqual([
      'PackagePublished',
      'PackageYanked',
      'PackagePublished',
    ]);
  });

  it.each(['ecdsa-p256', 'ed25519'] as const)('keeps signatures by %s in both forms', async (kind) => {
    const name = `signed/${kind}`;
    const image = imageOf(name, '1');
    const { digest } = await client.push(image, name, ['1']);
    const key = generateSigningKey(kind);
    const trusted = [{ name: 'me', publicKey: key.publicKey, packages: ['signed/*'] }];
    await expect(verifySignature(client, name, digest, trusted)).rejects.toMatchObject({
      code: 'signature-missing',
    });
    await signDigest(client, name, digest, key.privateKey);
    await signDigest(client, name, digest, key.privateKey);
    expect(await verifySignature(client, name, digest, trusted)).toEqual({
      keyId: keyIdOf(key.publicKey),
      name: 'me',
    });
    for (const untrusted of [
      [{ ...trusted[0]!, publicKey: generateSigningKey(kind).publicKey }],
      [{ ...trusted[0]!, packages: ['other/*'] }],
    ])
      await expect(verifySignature(client, name, digest, untrusted)).rejects.toMatchObject({
        code: 'signature-untrusted',
      });
    // A node's own file and its groups may name one key each: it is one key.
    const { publicKey } = generateSigningKey(kind);
    const twice = ['own', 'group'].map((who) => ({ name: who, publicKey, packages: ['*'] }));
    await expect(verifySignature(client, name, digest, twice)).rejects.toMatchObject({
      message: expect.stringContaining('by one of the 1 keys') as string,
      details: { trustedKeys: [keyIdOf(publicKey)] },
    });
    const keyId = keyIdOf(key.publicKey);
    const signed = (await events(name)).filter(({ type }) => type === 'PackageSigned');
    expect(signed.map(({ data }) => data)).toEqual([
      { name, digest, keyId, form: 'bundle' },
      { name, digest, keyId, form: 'tag' },
    ]);
  });

  it('announces how a kernel took a package, once, and nothing that is no such statement of it', async () => {
    const name = 'verified';
    const { digest } = await client.push(imageOf(name, '1'), name, ['1']);
    const { privateKey, publicKey } = generateSigningKey();
    const facts = {
      ...{ kernel: '6.1.0', architecture: 'amd64', loaded: true },
      programs: [
        { name: 'pass', hook: 'xdp' as const, instructions: 2, nanosecondsPerPacket: 3.5, loaded: true },
      ],
      tests: { passed: 1, failed: 0, skipped: 0 },
    };
    const predicate: VerifiedStatement = { ...facts, objectDigest: 'sha256:0' };
    const statement = { predicateType: verifiedPredicate, predicate, privateKeyPem: privateKey };
    await attachStatement(client, name, digest, statement);
    await attachStatement(client, name, digest, statement);
    await attachStatement(client, name, digest, { ...statement, predicate: { kernel: 'none' } });
    const said = (await events(name)).filter(({ type }) => type === 'PackageVerified');
    expect(said.map(({ data }) => data)).toEqual([{ name, digest, ...facts, keyId: keyIdOf(publicKey) }]);
    const refused = { ...predicate, loaded: false, error: { code: 'verifier-refused', message: 'no' } };
    await attachStatement(client, name, digest, { ...statement, predicate: refused });
    expect((await events(name)).at(-1)).toMatchObject({ type: 'PackageVerified', data: { loaded: false } });
  });

  it('lets two signers of one digest sign at once', async () => {
    const { digest } = await client.push(imageOf('twice', '1'), 'twice', ['1']);
    const keys = [1, 2, 3].map(() => generateSigningKey());
    await Promise.all(keys.map(({ privateKey }) => signDigest(client, 'twice', digest, privateKey)));
    const { bytes } = await client.getManifest('twice', `${digest.replace(':', '-')}.sig`);
    expect((JSON.parse(Buffer.from(bytes).toString()) as { layers: unknown[] }).layers).toHaveLength(3);
    expect(await client.referrers('twice', digest)).toHaveLength(3);
  });

  it('works with skopeo: push, inspect, pull, delete', async () => {
    const image = imageOf('cli/ours', '2.0.0');
    await client.push(image, 'cli/ours', ['2.0.0']);
    const at = (reference: string) => `docker://127.0.0.1:${registry.port}/${reference}`;
    const layout = `oci:${join(servers.folder, 'layout')}:kf`;

    await skopeo('copy', '--all', '--src-tls-verify=false', at(`cli/ours@${image.digest}`), layout);
    await skopeo('copy', '--all', '--dest-tls-verify=false', layout, at('cli/theirs:2.0.0'));
    const inspected = await skopeo('inspect', '--tls-verify=false', at('cli/theirs:2.0.0'));
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      Digest: image.digest,
      Labels: { 'io.ebpf.programs': '{"pass":"xdp"}' },
      RepoTags: ['2.0.0'],
    });
    expect((await events('cli/theirs')).map(({ type }) => type)).toEqual(['PackagePublished']);
    await skopeo('delete', '--tls-verify=false', at('cli/theirs:2.0.0'));
    await expect(client.resolve('cli/theirs', '2.0.0')).rejects.toMatchObject({ code: 'unknown-version' });
    expect((await client.resolve('cli/ours', '2.0.0')).digest).toBe(image.digest);
  });

  it('yanks a version with a reason, once', async () => {
    await client.push(imageOf('old', '1'), 'old', ['1']);
    const yank = (body: unknown) =>
      fetch(`${registry.url}/l3af/v1/packages/yank`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
    expect((await yank({ name: 'old', version: '1', reason: 'drops ARP' })).status).toBe(202);
    expect((await yank({ name: 'old', version: '1', reason: 'again' })).status).toBe(202);
    const unknown = await yank({ name: 'old', version: '9', reason: 'x' });
    expect([unknown.status, ((await unknown.json()) as { code: string }).code]).toEqual([
      404,
      'unknown-version',
    ]);
    expect((await yank({ name: '../old', version: '1', reason: 'x' })).status).toBe(400);
    const yanked = (await events('old')).filter(({ type }) => type === 'PackageYanked');
    expect(yanked.map(({ data }) => data)).toEqual([
      expect.objectContaining({ packageVersion: '1', reason: 'drops ARP' }),
    ]);
  });

  it('exports a package with its signatures to one file, and takes it in elsewhere', async () => {
    const image = imageOf('travels', '3.1.4', 'x'.repeat(3_000_000));
    const { digest } = await client.push(image, 'travels', ['3.1.4']);
    const key = generateSigningKey();
    await signDigest(client, 'travels', digest, key.privateKey);
    const readme = { artifactType: 'text/markdown', bytes: Buffer.from('# Travels') };
    const attached = await attachReferrer(client, 'travels', digest, readme);
    const note = { artifactType: 'text/plain', bytes: Buffer.from('of the readme') };
    const ofAttached = await attachReferrer(client, 'travels', attached.digest, note);
    const attestation = `${digest.replace(':', '-')}.att`;
    await client.putManifest('travels', attestation, await client.getManifest('travels', ofAttached.digest));
    const at = `${registry.url}/l3af/v1/packages`;
    const file = join(servers.folder, 'travels.tar');
    const exported = await fetch(`${at}/export?name=travels&version=3.1.4`);
    expect(exported.status).toBe(200);
    const archive = Buffer.from(await exported.arrayBuffer());
    await writeFile(file, archive);
    const raw = await skopeo('inspect', '--raw', `oci-archive:${file}:3.1.4`);
    expect(Buffer.from(raw.stdout).equals(Buffer.from(image.index.bytes))).toBe(true);

    const import_ = (body: Uint8Array, name: string) =>
      fetch(`${at}/import?name=${name}`, { method: 'POST', body: body as Uint8Array<ArrayBuffer> });
    for (const length of [0, 700, 10_000, archive.length - 600_000]) {
      const broken = await import_(archive.subarray(0, length), 'cut');
      expect([length, broken.status]).toEqual([length, 422]);
      await expect(client.resolve('cut', '3.1.4')).rejects.toMatchObject({ code: 'unknown-version' });
    }
    const taken = await import_(archive, 'arrived/safely');
    expect(taken.status).toBe(201);
    const trusted = [{ name: 'me', publicKey: key.publicKey, packages: [] }];
    expect((await client.resolve('arrived/safely', '3.1.4')).digest).toBe(digest);
    expect((await verifySignature(client, 'arrived/safely', digest, trusted)).name).toBe('me');
    expect((await client.referrers('arrived/safely', attached.digest)).map((one) => one.digest)).toEqual([
      ofAttached.digest,
    ]);
    expect((await client.resolve('arrived/safely', attestation)).digest).toBe(ofAttached.digest);
    const { object } = await client.pullObject('arrived/safely', digest, 'amd64');
    expect(object.length).toBeGreaterThan(3_000_000);
    expect((await events('arrived/safely')).map(({ type }) => type).sort()).toEqual([
      'PackagePublished',
      'PackageSigned',
      'PackageSigned',
    ]);
  });
});
