import { cannot, imageLabels, L3afError } from '@l3af/contracts';
import type { Manifest, ObjectSchema } from '@l3af/contracts';
import { digestOf } from './digest';
import { documentBytes } from './documents';
import type { Descriptor } from './documents';
import { gzipStored, tarOf } from './layer';
import { mediaTypes, sizeLimits } from './media-types';

/** Content with its digest. */
export interface Blob {
  mediaType: string;
  digest: string;
  bytes: Uint8Array;
}

/** A whole image: its index (whose digest is the package's), the manifests below, and their blobs. */
export interface ImageFiles {
  digest: string;
  index: Blob;
  manifests: Blob[];
  blobs: Blob[];
}

export interface ImageInput {
  /** One object per architecture (GOARCH names: amd64, arm64, s390x, …). */
  objects: { architecture: string; bytes: Uint8Array }[];
  manifest?: Manifest | undefined;
  schema: ObjectSchema;
  /** RFC 3339; default: the epoch, so that the same source gives the same digest at any time. */
  created?: string | undefined;
  sourceDigest?: string | undefined;
  /** Name of the object inside the layer; default `kf.o`. */
  fileName?: string | undefined;
}

/** bpfman's names of program and map types, where they differ from the kernel's. */
const bpfmanTypes: Record<string, string> = {
  sched_cls: 'tc',
  percpu_array: 'per_cpu_array',
  percpu_hash: 'per_cpu_hash',
  lru_percpu_hash: 'lru_per_cpu_hash',
};

export const blobOf = (mediaType: string, bytes: Uint8Array): Blob => ({
  mediaType,
  bytes,
  digest: digestOf(bytes),
});
export const descriptorOf = (blob: Blob): Descriptor => ({
  mediaType: blob.mediaType,
  digest: blob.digest,
  size: blob.bytes.length,
});

/** The labels of an image's configuration: bpfman's two, then ours. */
export function labelsOf(
  input: Pick<ImageInput, 'manifest' | 'schema' | 'sourceDigest'>,
): Record<string, string> {
  const { manifest, schema, sourceDigest } = input;
  const programs = schema.programs.map(({ name, type }) => [
    name,
    bpfmanTypes[type ?? ''] ?? type ?? 'unspec',
  ]);
  const maps = schema.maps.map(({ name, type }) => [name, bpfmanTypes[type] ?? type]);
  return {
    [imageLabels.programs]: JSON.stringify(Object.fromEntries(programs)),
    [imageLabels.maps]: JSON.stringify(Object.fromEntries(maps)),
    ...(manifest && { [imageLabels.manifest]: JSON.stringify(manifest) }),
    [imageLabels.schema]: JSON.stringify(schema),
    ...(sourceDigest !== undefined && { [imageLabels.sourceDigest]: sourceDigest }),
  };
}

function annotationsOf(manifest: Manifest | undefined): Record<string, string> {
  if (!manifest) return {};
  const { name, version, description, license } = manifest;
  return {
    'org.opencontainers.image.title': name,
    'org.opencontainers.image.version': version,
    ...(description !== undefined && { 'org.opencontainers.image.description': description }),
    ...(license !== undefined && { 'org.opencontainers.image.licenses': license }),
  };
}

/**
 * Builds a package in bpfman's bytecode image format: for each architecture one layer with the object at its
 * root, and an index over them. The same input gives the same bytes, anywhere and at any time.
 */
export function buildImage(input: ImageInput): ImageFiles {
  const { fileName = 'kf.o', created = '1970-01-01T00:00:00Z' } = input;
  if (input.objects.length === 0)
    throw new L3afError('invalid-image', cannot('build', 'image', fileName, 'it has no object, needs one'));
  const labels = labelsOf(input);
  const manifests: Blob[] = [];
  const blobs = new Map<string, Blob>();
  const descriptors: Descriptor[] = [];
  const objects = [...input.objects].sort((a, b) => (a.architecture < b.architecture ? -1 : 1));
  for (const { architecture, bytes } of objects) {
    if (bytes.length > sizeLimits.object)
      throw new L3afError(
        'payload-too-large',
        cannot('build', 'image', fileName, `its object has ${bytes.length} bytes`),
      );
    const tar = tarOf(fileName, bytes);
    const layer = blobOf(mediaTypes.layer, gzipStored(tar));
    const config = blobOf(
      mediaTypes.config,
      documentBytes({
        created,
        architecture,
        os: 'linux',
        config: { Labels: labels },
        rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
        history: [{ created, created_by: `COPY ${fileName} /` }],
      }),
    );
    const manifest = blobOf(
      mediaTypes.manifest,
      documentBytes({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: descriptorOf(config),
        layers: [descriptorOf(layer)],
      }),
    );
    manifests.push(manifest);
    blobs.set(config.digest, config).set(layer.digest, layer);
    descriptors.push({ ...descriptorOf(manifest), platform: { architecture, os: 'linux' } });
  }
  const annotations = annotationsOf(input.manifest);
  const index = blobOf(
    mediaTypes.index,
    documentBytes({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: descriptors,
      ...(Object.keys(annotations).length > 0 && { annotations }),
    }),
  );
  return { digest: index.digest, index, manifests, blobs: [...blobs.values()] };
}
