import { gunzipSync } from 'node:zlib';
import type { ObjectSchema } from '@l3af/contracts';
import { buildImage } from './build-image';
import { digestOf } from './digest';
import { imageIndexSchema, imageManifestSchema, parseDocument } from './documents';
import { mediaTypes, sizeLimits } from './media-types';
import { readImage, sourceOf } from './read-image';

const schema: ObjectSchema = {
  programs: [
    { name: 'pass', section: 'xdp', type: 'xdp' },
    { name: 'mark', section: 'tc', type: 'sched_cls' },
  ],
  maps: [{ name: 'counts', type: 'percpu_array', keyBytes: 4, valueBytes: 8, entriesMax: 1, flags: 0 }],
  constants: [],
};
const elf = (text: string): Uint8Array => Buffer.from(`\x7fELF${text}`, 'latin1');
const objects = [
  { architecture: 'arm64', bytes: elf('arm') },
  { architecture: 'amd64', bytes: elf('x'.repeat(200_000)) },
];

describe('buildImage()', () => {
  it('gives the same bytes for the same input, whatever the order of architectures', () => {
    const image = buildImage({ objects, schema });
    const again = buildImage({ objects: [...objects].reverse(), schema });
    expect(again).toEqual(image);
    // Held to the byte: a change here changes the digest of every package that is built again.
    expect(image.digest).toBe('sha256:f9f72757ad017a956182fe0d2c902a90b280691f8e35650a0fd1b8fcde14f3ca');
  });

  it('has the layout that bpfman loads', () => {
    const image = buildImage({ objects, schema });
    const index = parseDocument(imageIndexSchema, image.index.bytes, 'index');
    expect(index.manifests.map(({ platform }) => platform)).toEqual([
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
    ]);
    const manifest = parseDocument(imageManifestSchema, image.manifests[0]!.bytes, 'manifest');
    expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual([mediaTypes.layer]);
    const blobs = new Map(image.blobs.map((blob) => [blob.digest, blob.bytes]));
    const config = JSON.parse(Buffer.from(blobs.get(manifest.config.digest)!).toString()) as {
      config: { Labels: Record<string, string> };
      rootfs: { diff_ids: string[] };
    };
    expect(JSON.parse(config.config.Labels['io.ebpf.programs']!)).toEqual({ pass: 'xdp', mark: 'tc' });
    expect(JSON.parse(config.config.Labels['io.ebpf.maps']!)).toEqual({ counts: 'per_cpu_array' });
    const tar = gunzipSync(blobs.get(manifest.layers[0]!.digest)!);
    expect(config.rootfs.diff_ids).toEqual([digestOf(tar)]);
    expect(tar.subarray(0, 4).toString()).toBe('kf.o');
  });

  it('refuses an image without objects, and an object over the limit', () => {
    expect(() => buildImage({ objects: [], schema })).toThrow(
      expect.objectContaining({ code: 'invalid-image' }),
    );
    const bytes = Buffer.alloc(sizeLimits.object + 1);
    expect(() => buildImage({ objects: [{ architecture: 'amd64', bytes }], schema })).toThrow(
      expect.objectContaining({ code: 'payload-too-large' }),
    );
  });
});

describe('readImage()', () => {
  it('gives back what buildImage() was given, by anybody’s name of the architecture', async () => {
    const image = buildImage({ objects, schema });
    for (const name of ['amd64', 'x86_64', 'x64']) {
      const { object, labels } = await readImage(sourceOf(image), image.digest, name);
      expect(Buffer.from(object).equals(Buffer.from(objects[1]!.bytes))).toBe(true);
      expect(JSON.parse(labels['io.l3af.schema']!)).toEqual(schema);
    }
  });

  it('names the architectures there are when it lacks the one asked for', async () => {
    const image = buildImage({ objects, schema });
    await expect(readImage(sourceOf(image), image.digest, 's390x')).rejects.toThrow(
      /it is for amd64, arm64, needs s390x/,
    );
  });

  it('refuses any byte that is not what its digest says', async () => {
    const image = buildImage({ objects: [{ architecture: 'amd64', bytes: elf('x') }], schema });
    const all = [image.index, ...image.manifests, ...image.blobs];
    for (const damaged of all) {
      const source = sourceOf(image);
      const flip = (bytes: Uint8Array, digest: string) => {
        if (digest !== damaged.digest) return bytes;
        const copy = Buffer.from(bytes);
        copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 1, copy.length - 1);
        return copy;
      };
      const bad = {
        manifest: async (digest: string) => {
          const found = await source.manifest(digest);
          return { ...found, bytes: flip(found.bytes, digest) };
        },
        blob: async (digest: string, max: number) => flip(await source.blob(digest, max), digest),
      };
      await expect(readImage(bad, image.digest, 'amd64')).rejects.toMatchObject({ code: 'digest-mismatch' });
    }
  });
});
