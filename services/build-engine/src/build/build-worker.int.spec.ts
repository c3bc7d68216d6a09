import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  attachmentTypes,
  buildRequestSubject,
  buckets,
  provenancePredicate,
  userspaceType,
} from '@l3af/contracts';
import { RegistryClient, signersOfPem, verifySignature } from '@l3af/oci';
import { freePort, startNats } from '@l3af/testing';
import { archiveOf } from '../testing/archive';
import { startEngine, type TestEngine } from '../testing/engine';

const folder = join(__dirname, '../../../../bpf/firewall');
const drop = (port: number): string => `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
const volatile __u16 port = ${port};
SEC("xdp") int drop_port(struct xdp_md *ctx) { return port ? XDP_DROP : XDP_PASS; }
char _license[] SEC("license") = "GPL";
`;
const manifest = (version: string): string =>
  `apiVersion: l3af/v1\nkind: KernelFunction\nname: drop\nversion: ${version}\ncpu: [v3]\n`;

/** The in-toto statement inside a referrer's sigstore bundle. */
async function statementOf(client: RegistryClient, digest: string): Promise<unknown> {
  const json = (bytes: Uint8Array): never => JSON.parse(Buffer.from(bytes).toString('utf8')) as never;
  const { layers } = json((await client.getManifest('firewall', digest)).bytes) as {
    layers: { digest: string }[];
  };
  const bundle = json(await client.getBlob('firewall', layers[0]?.digest ?? '', 1_000_000)) as {
    dsseEnvelope: { payload: string };
  };
  return json(Buffer.from(bundle.dsseEnvelope.payload, 'base64'));
}

describe('a builder', () => {
  let engine: TestEngine;
  let client: RegistryClient;
  beforeAll(async () => {
    engine = await startEngine({ nats: await startNats(), registryPort: await freePort() });
    client = new RegistryClient(engine.registry.url);
    await engine.worker();
  });
  afterAll(() => engine.stop());

  const build = async (id: string, files: Parameters<typeof archiveOf>[0]) => {
    await engine.request(id, await engine.archive(await archiveOf(files)));
    return engine.outcome(id);
  };

  it('takes a folder from its archive to a signed package', async () => {
    const files = Object.fromEntries(
      await Promise.all(
        ['kf.yaml', 'firewall.bpf.c', 'README.md', 'tests.yaml'].map(
          async (name) => [name, await readFile(join(folder, name), 'utf8')] as const,
        ),
      ),
    );
    const outcome = await build('firewall', files);
    expect(outcome).toMatchObject({
      type: 'BuildSucceeded',
      data: { name: 'firewall', packageVersion: '1.2.0' },
    });
    if (outcome.type !== 'BuildSucceeded') return;
    const { digest } = outcome.data;
    expect((await client.resolve('firewall', '1.2.0')).digest).toBe(digest);
    const { object, labels } = await client.pullObject('firewall', digest, 'amd64');
    expect(object.subarray(0, 4)).toEqual(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
    expect(JSON.parse(labels['io.l3af.manifest'] ?? '')).toMatchObject({
      name: 'firewall',
      license: expect.any(String),
    });
    await verifySignature(client, 'firewall', digest, signersOfPem(engine.publicKey, 'test'));
    const referrers = await client.referrers('firewall', digest);
    const kinds = referrers.map(
      ({ artifactType, annotations }) => annotations?.['dev.sigstore.bundle.predicateType'] ?? artifactType,
    );
    expect(kinds).toEqual(expect.arrayContaining([provenancePredicate, ...Object.values(attachmentTypes)]));
    const provenance = referrers.find(
      ({ annotations }) => annotations?.['dev.sigstore.bundle.predicateType'] === provenancePredicate,
    );
    const statement = await statementOf(client, provenance?.digest ?? '');
    expect(statement).toMatchObject({
      subject: [{ digest: { sha256: digest.slice(7) } }],
      predicate: {
        buildDefinition: {
          internalParameters: { flags: [] },
          resolvedDependencies: [
            { digest: { sha256: outcome.data.sourceDigest.slice(7) } },
            { name: 'bundled headers' },
            { name: 'clang' },
          ],
        },
        runDetails: {
          builder: { id: 'urn:l3af:builder:test-builder' },
          metadata: { invocationId: 'firewall' },
        },
      },
    });
    const log = await engine.bus.objects(buckets.logs).get(outcome.data.log?.digest ?? '');
    expect(Buffer.from(log).toString()).toContain('compiling firewall.bpf.c');
    expect(new Set(engine.progress('firewall').map(({ step }) => step))).toEqual(
      new Set(['fetch', 'compile', 'inspect', 'package', 'push', 'sign']),
    );
  });

  it('names a package without kf.yaml after its file and its source', async () => {
    const outcome = await build('plain', { 'my_drop.bpf.c': drop(53) });
    expect(outcome).toMatchObject({ type: 'BuildSucceeded', data: { name: 'my_drop' } });
    if (outcome.type !== 'BuildSucceeded') return;
    expect(outcome.data.packageVersion).toBe(`0.0.0-${outcome.data.sourceDigest.slice(7, 19)}`);
  });

  it('gives the same digest for the same source in another archive, and refuses other content under the version', async () => {
    const first = await build('same-1', { 'kf.yaml': manifest('1.0.0'), 'drop.bpf.c': drop(53) });
    const again = await build('same-2', { 'there/drop.bpf.c': drop(53), 'there/kf.yaml': manifest('1.0.0') });
    expect(first.type).toBe('BuildSucceeded');
    expect(again.data).toMatchObject({ digest: (first.data as { digest: string }).digest });
    const other = await build('other', { 'kf.yaml': manifest('1.0.0'), 'drop.bpf.c': drop(54) });
    expect(other).toMatchObject({ type: 'BuildFailed', data: { error: { code: 'version-exists' } } });
    expect((await client.resolve('drop', '1.0.0')).digest).toBe((first.data as { digest: string }).digest);
  });

  it('tells compiler errors with file, line and column', async () => {
    const outcome = await build('broken', { 'broken.bpf.c': 'int x;\nint f(void) { return y; }\n' });
    expect(outcome).toMatchObject({
      type: 'BuildFailed',
      data: {
        error: {
          code: 'build-failed',
          message: expect.stringContaining("broken.bpf.c:2:22: use of undeclared identifier 'y'"),
        },
        diagnostics: [{ severity: 'error', file: 'broken.bpf.c', line: 2, column: 22 }],
      },
    });
  });

  it('publishes a compiled object as it is, and refuses garbage', async () => {
    const source = await build('for-object', { 'thing.bpf.c': drop(1) });
    const { digest } = source.data as { digest: string };
    const { object } = await client.pullObject('thing', digest, 'amd64');
    const put = async (bytes: Uint8Array) => engine.bus.objects(buckets.sources).put(bytes);
    await engine.request('object', { kind: 'object', object: await put(object), fileName: 'copied.bpf.o' });
    expect(await engine.outcome('object')).toMatchObject({
      type: 'BuildSucceeded',
      data: { name: 'copied', diagnostics: [] },
    });
    const copied = await engine.outcome('object');
    const referrers = await client.referrers('copied', (copied.data as { digest: string }).digest);
    expect(referrers.map(({ artifactType }) => artifactType)).toContain(attachmentTypes.sbom);
    await engine.request('garbage', {
      kind: 'object',
      object: await put(object.subarray(0, 500)),
      fileName: 'bad.o',
    });
    expect(await engine.outcome('garbage')).toMatchObject({
      type: 'BuildFailed',
      data: { error: { code: 'invalid-object' } },
    });
  });

  it('compiles a userspace program in C with the KF, and names the toolchain that another would need', async () => {
    const withProgram = (language: string): string =>
      `${manifest(`1-${language}`)}userspace: [{name: agent, language: ${language}, source: user/agent.c, libraries: [bpf]}]\n`;
    const agent =
      '#include <stdio.h>\n#include <bpf/libbpf.h>\nint main(void) { printf("libbpf %u", libbpf_major_version()); return 0; }\n';
    const outcome = await build('user-c', {
      ...{ 'kf.yaml': withProgram('c'), 'drop.bpf.c': drop(53), 'user/agent.c': agent },
    });
    expect(outcome).toMatchObject({ type: 'BuildSucceeded', data: { name: 'drop' } });
    const { digest } = outcome.data as { digest: string };
    const attached = (await client.referrers('drop', digest)).find(
      ({ artifactType }) => artifactType === userspaceType,
    );
    expect(attached?.annotations).toMatchObject({
      'org.opencontainers.image.title': 'agent',
      'io.l3af.language': 'c',
    });
    const { layers } = JSON.parse(
      Buffer.from((await client.getManifest('drop', attached?.digest ?? '')).bytes).toString('utf8'),
    ) as { layers: { digest: string }[] };
    const path = join(engine.settings.workDir, 'agent');
    await writeFile(path, await client.getBlob('drop', layers[0]?.digest ?? '', 16_000_000), { mode: 0o755 });
    expect(execFileSync(path, { encoding: 'utf8' })).toBe('libbpf 1');

    engine.settings.toolchains = { go: '/nowhere/go', rustc: undefined };
    const go = await build('user-go', {
      ...{
        'kf.yaml': withProgram('go').replace(', libraries: [bpf]', ''),
        'drop.bpf.c': drop(53),
        'user/agent.c': agent,
      },
    });
    expect(go).toMatchObject({
      type: 'BuildFailed',
      data: { error: { code: 'toolchain-missing', message: expect.stringContaining('no toolchain for Go') } },
    });
    const thief = '#include "/etc/shadow"\nint main(void) { return 0; }\n';
    const stolen = await build('user-thief', {
      ...{ 'kf.yaml': withProgram('c'), 'drop.bpf.c': drop(54), 'user/agent.c': thief },
    });
    expect(stolen).toMatchObject({
      data: { error: { code: 'build-failed', message: expect.stringContaining('file not found') } },
    });
  });

  it('is done when a build that is over is asked for again', async () => {
    const before = await engine.bus.store.last('l3af.evt.build.plain');
    const event = {
      type: 'BuildRequested',
      version: 1,
      data: { build: 'plain', source: await engine.archive(await archiveOf({})) },
    } as const;
    await engine.bus.store.append({ subject: buildRequestSubject('plain'), events: [event], actor: 'test' });
    await build('after', { 'after.bpf.c': drop(7) });
    expect((await engine.bus.store.last('l3af.evt.build.plain'))?.sequence).toBe(before?.sequence);
  });
});
