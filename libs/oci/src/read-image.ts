import { cannot, L3afError } from '@l3af/contracts';
import type { ImageFiles } from './build-image';
import { checkDigest } from './digest';
import { imageConfigSchema, imageIndexSchema, imageManifestSchema, parseDocument } from './documents';
import type { Descriptor, ImageManifest } from './documents';
import { objectOfLayer } from './layer';
import { isIndexType, mediaTypes, sizeLimits } from './media-types';

/** Where content comes from; what it returns is checked here, whoever it is. */
export interface ContentSource {
  manifest(digest: string): Promise<{ bytes: Uint8Array; mediaType: string }>;
  blob(digest: string, bytesMax: number): Promise<Uint8Array>;
}

/** One architecture of a package. */
export interface PulledObject {
  object: Uint8Array;
  labels: Record<string, string>;
  /** Of the architecture's manifest; the package's digest is the index's. */
  manifestDigest: string;
}

const architectureNames: Record<string, string> = {
  x86_64: 'amd64',
  x64: 'amd64',
  aarch64: 'arm64',
  ppc64: 'ppc64le',
};

/** GOARCH's name of an architecture, from uname's or Node's. */
export const goArchitecture = (name: string): string => architectureNames[name] ?? name;

async function content(source: ContentSource, descriptor: Descriptor, bytesMax: number): Promise<Uint8Array> {
  if (descriptor.size > bytesMax)
    throw new L3afError(
      'payload-too-large',
      cannot(
        'read',
        'blob',
        descriptor.digest,
        `it has ${descriptor.size} bytes, at most ${bytesMax} are read`,
      ),
    );
  const bytes = await source.blob(descriptor.digest, descriptor.size);
  if (bytes.length !== descriptor.size)
    throw new L3afError(
      'digest-mismatch',
      cannot(
        'read',
        'blob',
        descriptor.digest,
        `it has ${bytes.length} bytes, its descriptor says ${descriptor.size}`,
      ),
    );
  checkDigest(bytes, descriptor.digest);
  return bytes;
}

async function checkedManifest(source: ContentSource, digest: string) {
  const found = await source.manifest(digest);
  checkDigest(found.bytes, digest);
  return found;
}

/** The digest of each architecture's manifest; a single manifest stands for every architecture (key `*`). */
export async function manifestsOf(source: ContentSource, digest: string): Promise<Map<string, string>> {
  const root = await checkedManifest(source, digest);
  if (!isIndexType(root.mediaType)) return new Map([['*', digest]]);
  const index = parseDocument(imageIndexSchema, root.bytes, digest);
  const found = new Map<string, string>();
  for (const { platform, digest: manifest } of index.manifests) {
    const known = platform && platform.os !== 'unknown';
    if (known && !found.has(platform.architecture)) found.set(platform.architecture, manifest);
  }
  return found;
}

async function imageManifest(source: ContentSource, digest: string): Promise<ImageManifest> {
  const { bytes } = await checkedManifest(source, digest);
  return parseDocument(imageManifestSchema, bytes, digest);
}

/** The labels of an image's configuration. */
export async function readLabels(
  source: ContentSource,
  manifestDigest: string,
): Promise<Record<string, string>> {
  const manifest = await imageManifest(source, manifestDigest);
  const bytes = await content(source, manifest.config, sizeLimits.config);
  return parseDocument(imageConfigSchema, bytes, manifest.config.digest).config?.Labels ?? {};
}

/**
 * Reads the object and labels of one architecture from a package of ours or of bpfman's.
 * Every byte is held against its digest; throws `invalid-image`, `digest-mismatch`, `payload-too-large`.
 */
export async function readImage(
  source: ContentSource,
  digest: string,
  architecture: string,
): Promise<PulledObject> {
  const manifests = await manifestsOf(source, digest);
  const manifestDigest = manifests.get(goArchitecture(architecture)) ?? manifests.get('*');
  if (manifestDigest === undefined)
    throw new L3afError(
      'invalid-image',
      cannot(
        'read',
        'image',
        digest,
        `it is for ${[...manifests.keys()].join(', ')}, needs ${goArchitecture(architecture)}`,
      ),
    );
  const manifest = await imageManifest(source, manifestDigest);
  const [layer] = manifest.layers;
  if (!layer || manifest.layers.length > 1)
    throw new L3afError(
      'invalid-image',
      cannot('read', 'image', manifestDigest, `it has ${manifest.layers.length} layers, needs one`),
    );
  if (layer.mediaType !== mediaTypes.layer && layer.mediaType !== mediaTypes.dockerLayer)
    throw new L3afError(
      'invalid-image',
      cannot('read', 'image', manifestDigest, `its layer is ${layer.mediaType}, needs tar+gzip`),
    );
  const labels = await readLabels(source, manifestDigest);
  // A gzip of an object at the limit may be a little larger than the object.
  const object = await objectOfLayer(await content(source, layer, sizeLimits.object + 64 * 1024));
  return { object, labels, manifestDigest };
}

/** A source over an image in memory. */
export function sourceOf(image: ImageFiles): ContentSource {
  const find = (digest: string) => {
    const blob = [image.index, ...image.manifests, ...image.blobs].find((one) => one.digest === digest);
    if (!blob)
      throw new L3afError('invalid-image', cannot('read', 'image', image.digest, `${digest} is missing`));
    return Promise.resolve(blob);
  };
  return { manifest: find, blob: async (digest) => (await find(digest)).bytes };
}
