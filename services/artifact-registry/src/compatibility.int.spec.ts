import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageSubject } from '@l3af/contracts';
import {
  attachReferrer,
  buildImage,
  generateSigningKey,
  keyIdOf,
  mediaTypes,
  RegistryClient,
  signDigest,
  verifySignature,
} from '@l3af/oci';
import { freePort, waitFor } from '@l3af/testing';
import { useServers } from './testing/use-servers';
import type { StartedRegistry } from './testing/use-servers';

const run = promisify(execFile);
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const elf = (text: string): Buffer => Buffer.from(`\x7fELF${text}`, 'latin1');

describe('what other tools make', () => {
  const servers = useServers();
  let registry: StartedRegistry;
  let client: RegistryClient;

  beforeAll(async () => {
    const credentials = join(servers.folder, 'credentials');
    await mkdir(credentials);
    await writeFile(join(credentials, 'acme'), 'ann:secret\n');
    registry = await servers.start({ L3AF_CREDENTIALS_DIR: credentials });
    ({ client } = registry);
  });

  const events = async (name: string) => {
    const found = [];
    for await (const stored of servers.bus.store.read({ subject: packageSubject(name) }))
      found.push(...stored.events);
    return found;
  };

  /** As `docker build` and `buildah` leave a `FROM scratch` image with one COPY: a tar made by tar itself. */
  const pushBpfmanImage = async (
    name: string,
    types: { manifest: string; config: string; layer: string },
  ) => {
    const object = elf(`bpfman ${name}`);
    const made = await mkdtemp(join(servers.folder, 'image-'));
    await writeFile(join(made, 'filter.bpf.o'), object);
    await run('tar', ['-C', made, '-czf', join(made, 'layer.tar.gz'), './filter.bpf.o']);
    const config = {
      architecture: 'amd64',
      os: 'linux',
      config: {
        Labels: { 'io.ebpf.programs': '{"pass":"xdp"}', 'io.ebpf.maps': '{"stats":"per_cpu_array"}' },
      },
      rootfs: { type: 'layers', diff_ids: [] },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: {
        ...(await client.putBlob(name, Buffer.from(JSON.stringify(config)))),
        mediaType: types.config,
      },
      layers: [
        {
          ...(await client.putBlob(name, await readFile(join(made, 'layer.tar.gz')))),
          mediaType: types.layer,
        },
      ],
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    await client.putManifest(name, 'v0.5.0', { bytes, mediaType: types.manifest });
    return { object, digest: digestOf(bytes) };
  };

  it.each([
    [
      'docker',
      {
        manifest: mediaTypes.dockerManifest,
        config: 'application/vnd.docker.container.image.v1+json',
        layer: mediaTypes.dockerLayer,
      },
    ],
    ['oci', { manifest: mediaTypes.manifest, config: mediaTypes.config, layer: mediaTypes.layer }],
  ])('takes bpfman’s images in the format of %s, announces and gives them', async (format, types) => {
    const name = `bpfman/${format}`;
    const { object, digest } = await pushBpfmanImage(name, types);
    expect((await client.resolve(name, 'v0.5.0')).digest).toBe(digest);
    const pulled = await client.pullObject(name, digest, 'amd64');
    expect(Buffer.from(pulled.object)).toEqual(object);
    expect(pulled.labels).toEqual({
      'io.ebpf.programs': '{"pass":"xdp"}',
      'io.ebpf.maps': '{"stats":"per_cpu_array"}',
    });
    expect(await events(name)).toEqual([
      expect.objectContaining({
        type: 'PackagePublished',
        data: expect.objectContaining({ name, packageVersion: 'v0.5.0', digest }) as unknown,
      }),
    ]);
  });

  const opensslKey = async () => {
    const at = await mkdtemp(join(servers.folder, 'key-'));
    const path = join(at, 'key.pem');
    await run('openssl', [
      'genpkey',
      '-algorithm',
      'EC',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-out',
      path,
    ]);
    const { stdout: publicKey } = await run('openssl', ['pkey', '-in', path, '-pubout']);
    const sign = async (bytes: Uint8Array) => {
      await writeFile(join(at, 'payload'), bytes);
      await run('openssl', [
        ...['dgst', '-sha256', '-sign', path, '-out', join(at, 'signature')],
        join(at, 'payload'),
      ]);
      return (await readFile(join(at, 'signature'))).toString('base64');
    };
    return { publicKey, sign };
  };
  const publish = async (name: string) => {
    const schema = { programs: [{ name: 'pass', section: 'xdp', type: 'xdp' }], maps: [], constants: [] };
    const image = buildImage({ objects: [{ architecture: 'amd64', bytes: elf(name) }], schema });
    await client.push(image, name, ['1']);
    return image.digest;
  };
  const verdictOf = (name: string, digest: string, publicKey: string) =>
    verifySignature(client, name, digest, [{ name: 'openssl', publicKey, packages: [] }]);

  it('verifies cosign’s tag signatures made with openssl, and refuses one of another digest', async () => {
    const key = await opensslKey();
    const putSignature = async (name: string, subject: string, signed: string) => {
      const payload = Buffer.from(
        `{"critical":{"identity":{"docker-reference":"registry.example/${name}"},"image":{"docker-manifest-digest":"${signed}"},"type":"cosign container image signature"},"optional":null}`,
      );
      const layer = {
        ...(await client.putBlob(name, payload)),
        mediaType: mediaTypes.simpleSigning,
        annotations: { 'dev.cosignproject.cosign/signature': await key.sign(payload) },
      };
      const config = {
        architecture: '',
        os: '',
        config: {},
        rootfs: { type: 'layers', diff_ids: [layer.digest] },
      };
      const bytes = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaTypes.manifest,
          config: {
            ...(await client.putBlob(name, Buffer.from(JSON.stringify(config)))),
            mediaType: mediaTypes.config,
          },
          layers: [layer],
        }),
      );
      const tag = `${subject.replace(':', '-')}.sig`;
      await client.putManifest(name, tag, { bytes, mediaType: mediaTypes.manifest });
    };
    const digest = await publish('cosign/tag');
    await putSignature('cosign/tag', digest, digest);
    expect(await verdictOf('cosign/tag', digest, key.publicKey)).toEqual({
      keyId: keyIdOf(key.publicKey),
      name: 'openssl',
    });
    await expect(verdictOf('cosign/tag', digest, (await opensslKey()).publicKey)).rejects.toMatchObject({
      code: 'signature-untrusted',
    });
    const other = await publish('cosign/other');
    await putSignature('cosign/other', other, digest);
    await expect(verdictOf('cosign/other', other, key.publicKey)).rejects.toMatchObject({
      code: 'signature-missing',
    });
  });

  it('verifies cosign’s bundles made with openssl', async () => {
    const key = await opensslKey();
    const digest = await publish('cosign/bundle');
    const payloadType = 'application/vnd.in-toto+json';
    const payload = Buffer.from(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v1',
        subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }],
        predicateType: 'https://sigstore.dev/cosign/sign/v1',
        predicate: {},
      }),
    );
    const signed = Buffer.concat([
      Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
      payload,
    ]);
    const bundle = {
      mediaType: mediaTypes.sigstoreBundle,
      verificationMaterial: { publicKey: { hint: '' }, tlogEntries: [] },
      dsseEnvelope: {
        payload: payload.toString('base64'),
        payloadType,
        signatures: [{ sig: await key.sign(signed) }],
      },
    };
    await attachReferrer(client, 'cosign/bundle', digest, {
      artifactType: mediaTypes.sigstoreBundle,
      bytes: Buffer.from(JSON.stringify(bundle)),
    });
    expect((await verdictOf('cosign/bundle', digest, key.publicKey)).name).toBe('openssl');
    await expect(verdictOf('cosign/bundle', digest, (await opensslKey()).publicKey)).rejects.toMatchObject({
      code: 'signature-untrusted',
    });
  });

  describe('a docker-registry to mirror from', () => {
    let peer: ChildProcess;
    let from: string;
    beforeAll(async () => {
      const port = await freePort();
      from = `http://127.0.0.1:${port}`;
      await mkdir(join(servers.folder, 'docker'));
      const config = {
        version: '0.1',
        log: { level: 'error', accesslog: { disabled: true } },
        storage: { filesystem: { rootdirectory: join(servers.folder, 'docker') } },
        http: { addr: `127.0.0.1:${port}` },
      };
      await writeFile(join(servers.folder, 'docker.yml'), JSON.stringify(config));
      peer = spawn('docker-registry', ['serve', join(servers.folder, 'docker.yml')], { stdio: 'ignore' });
      await waitFor(async () => (await fetch(`${from}/v2/`)).ok, 'docker-registry to answer');
    });
    afterAll(async () => {
      const exited = new Promise((resolve) => peer.once('exit', resolve));
      peer.kill('SIGTERM');
      await exited;
    });
    const mirror = async (body: object) => {
      const at = `${registry.url}/l3af/v1/packages/mirror`;
      const response = await fetch(at, { method: 'POST', body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };

    it('copies a package with its signatures and statements', async () => {
      const far = new RegistryClient(from);
      const schema = { programs: [{ name: 'pass', section: 'xdp', type: 'xdp' }], maps: [], constants: [] };
      const objects = ['amd64', 'arm64'].map((architecture) => ({ architecture, bytes: elf(architecture) }));
      const image = buildImage({ objects, schema });
      await far.push(image, 'acme/edge', ['1.2.0']);
      const key = generateSigningKey();
      await signDigest(far, 'acme/edge', image.digest, key.privateKey);
      await attachReferrer(far, 'acme/edge', image.digest, {
        artifactType: 'text/spdx+json',
        bytes: Buffer.from('{}\n'),
      });
      const request = { from, name: 'acme/edge', reference: '1.2.0', insecure: true };
      const { status, body } = await mirror(request);
      expect([status, body]).toEqual([
        201,
        expect.objectContaining({ name: 'acme/edge', digest: image.digest }) as unknown,
      ]);
      expect((await client.resolve('acme/edge', '1.2.0')).digest).toBe(image.digest);
      expect(Buffer.from((await client.pullObject('acme/edge', image.digest, 'arm64')).object)).toEqual(
        elf('arm64'),
      );
      expect(
        (await client.referrers('acme/edge', image.digest)).map((one) => one.artifactType).sort(),
      ).toEqual([mediaTypes.sigstoreBundle, 'text/spdx+json']);
      const published = (await events('acme/edge')).map(({ type }) => type);
      expect(published.sort()).toEqual(['PackagePublished', 'PackageSigned', 'PackageSigned']);
      expect(await verdictOf('acme/edge', image.digest, key.publicKey)).toMatchObject({ name: 'openssl' });
      expect((await mirror({ ...request, as: 'mirrored/edge', reference: image.digest })).status).toBe(201);
      expect((await client.referrers('mirrored/edge', image.digest)).length).toBe(2);
      expect(await mirror(request)).toEqual({ status, body });
    });

    it('gives a version of its own to what has none, with credentials that it holds', async () => {
      const far = new RegistryClient(from);
      const schema = { programs: [{ name: 'pass', section: 'xdp', type: 'xdp' }], maps: [], constants: [] };
      const image = buildImage({ objects: [{ architecture: 'amd64', bytes: elf('latest') }], schema });
      await far.push(image, 'acme/latest', ['latest']);
      const gate = await startGate(from, 'ann:secret');
      try {
        const request = { from: gate.url, name: 'acme/latest', reference: 'latest', insecure: true };
        expect((await mirror(request)).status).toBe(400);
        expect((await mirror({ ...request, credentials: '../acme' })).body['detail']).toMatch(
          /no valid name/,
        );
        expect((await mirror({ ...request, credentials: 'other' })).body['detail']).toMatch(/holds none/);
        const { status, body } = await mirror({ ...request, credentials: 'acme' });
        const version = `0.0.0-${image.digest.slice(7, 19)}`;
        expect([status, body]).toEqual([201, expect.objectContaining({ version }) as unknown]);
        expect((await mirror({ ...request, credentials: 'acme', version: '7' })).body['version']).toBe('7');
      } finally {
        await gate.close();
      }
      const published = (await events('acme/latest')).map(
        ({ data }) => (data as { packageVersion: string }).packageVersion,
      );
      expect(published).toEqual([`0.0.0-${image.digest.slice(7, 19)}`, '7']);
    });

    it.each([
      ['a version that is not there', { reference: '9' }, 404, 'unknown-version'],
      ['plain HTTP unasked', { insecure: false }, 400, 'invalid-request'],
      ['what is no address', { from: 'file:///etc' }, 400, 'invalid-request'],
      ['credentials in an address', { from: 'https://a:b@registry.example' }, 400, 'invalid-request'],
      ['a registry that does not answer', { from: 'http://127.0.0.1:1' }, 503, 'registry-unavailable'],
    ])('refuses %s', async (...[, change, status, code]) => {
      const request = { from, name: 'acme/none', reference: '1', insecure: true, ...change };
      const answer = await mirror(request);
      expect([answer.status, answer.body['code']]).toEqual([status, code]);
      await expect(client.resolve('acme/none', '1')).rejects.toMatchObject({ code: 'unknown-version' });
    });
  });
});

/** A registry behind a password. */
async function startGate(
  behind: string,
  credentials: string,
): Promise<{ url: string; close(): Promise<void> }> {
  const wanted = `Basic ${Buffer.from(credentials).toString('base64')}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="gate"' }).end();
      return;
    }
    const { method, headers } = request;
    httpRequest(behind + request.url!, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, close };
}
