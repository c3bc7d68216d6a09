import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packageSubject, type DesiredKf } from '@l3af/contracts';
import { requestNode } from '@l3af/event-store';
import { signDigest } from '@l3af/oci';
import { compileBpf, waitFor } from '@l3af/testing';
import { NodeFixture, Servers } from './testing/node-fixture';

const source = `
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u32); __uint(max_entries, 1); } verdict SEC(".maps");
SEC("xdp") int gate(struct xdp_md *ctx) {
  __u32 zero = 0, *value = bpf_map_lookup_elem(&verdict, &zero);
  return value && *value ? XDP_DROP : XDP_PASS;
}
`;

/** An image as `bpfman image build` leaves it: one layer with the object, two labels, and nothing of ours. */
function writeImage(folder: string, object: Uint8Array): void {
  const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const blobs = join(folder, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const store = (mediaType: string, bytes: Buffer): object => {
    writeFileSync(join(blobs, sha256(bytes)), bytes);
    return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
  };
  writeFileSync(join(folder, 'gate.bpf.o'), object);
  const tar = execFileSync('tar', ['-C', folder, '--owner=0', '--group=0', '-cf', '-', 'gate.bpf.o']);
  const layer = store('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar));
  const labels = { 'io.ebpf.programs': '{"gate":"xdp"}', 'io.ebpf.maps': '{"verdict":"array"}' };
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: labels },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(tar)}`] },
    history: [{ created_by: 'COPY gate.bpf.o /' }],
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const manifest = store(
    'application/vnd.oci.image.manifest.v1+json',
    json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: store('application/vnd.oci.image.config.v1+json', json(config)),
      layers: [layer],
    }),
  );
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'made' } };
  writeFileSync(join(folder, 'index.json'), json({ schemaVersion: 2, manifests: [named] }));
}

describe("bpfman's images", () => {
  let servers: Servers;
  let node: NodeFixture;
  beforeAll(async () => {
    servers = await Servers.start();
    node = new NodeFixture(servers);
  });
  afterAll(async () => {
    await node.stop();
    await servers.stop();
  });

  it('are described from their object, and run in a chain with a configuration once somebody signs them', async () => {
    const layout = join(node.folder, 'layout');
    writeImage(layout, compileBpf(source));
    const repository = servers.registry.url.replace('http://', '') + '/bpfman/gate';
    const copy = ['copy', '--dest-tls-verify=false', `oci:${layout}:made`, `docker://${repository}:v0.5.6`];
    execFileSync('skopeo', ['--insecure-policy', ...copy], { stdio: 'pipe' });
    const [published] = await waitFor(
      async () => (await node.bus.store.last(packageSubject('bpfman/gate')))?.events,
      'the package to be announced',
    );
    expect(published).toMatchObject({
      type: 'PackagePublished',
      data: {
        packageVersion: 'v0.5.6',
        schema: { programs: [{ name: 'gate', type: 'xdp' }], maps: [{ name: 'verdict', type: 'array' }] },
      },
    });
    const { digest } = await servers.client.resolve('bpfman/gate', 'v0.5.6');
    const kf: DesiredKf = {
      ...{ name: 'gate', package: 'bpfman/gate', version: 'v0.5.6', digest, program: 'gate' },
      ...{ enabled: true, proceedOn: ['PASS'], config: { verdict: 1 }, state: 'keep' },
    };
    node.startExecutor();
    const key = node.chainKey();
    const unsigned = await node.reported(key, await node.desire(key, [kf]), 'ChainRejected');
    expect(unsigned.data.error.code).toBe('signature-missing');
    await signDigest(servers.client, 'bpfman/gate', digest, servers.key.privateKey);
    await node.reported(key, await node.desire(key, [kf]), 'ChainApplied');
    const counted = async () => {
      const [chain] = await requestNode(node.bus, node.name, 'chains', {});
      return chain!.kfs[0]!;
    };
    node.pair.sendUdp('peer', { port: 4001, count: 5 });
    await waitFor(async () => ((await counted()).verdicts['DROP'] ?? 0) >= 5, 'five packets to be dropped');
    const open = { ...kf, config: { verdict: 0 } };
    await node.reported(key, await node.desire(key, [open]), 'ChainApplied');
    const { proceeded: before } = await counted();
    node.pair.sendUdp('peer', { port: 4001, count: 5 });
    await waitFor(async () => (await counted()).proceeded >= before + 5, 'five packets to go on');
  });
});
