import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { L3afError, cannot } from '@l3af/contracts';
import {
  documentBytes,
  fallbackTag,
  imageIndexSchema,
  imageManifestSchema,
  isIndexType,
  mediaTypes,
  parseDocument,
  type Blob,
  type Descriptor,
  type RegistryClient,
} from '@l3af/oci';
import { attachedSuffixes, nameAnnotation, tagAnnotation, tagged } from './registry-tags';
import type { ResolvedPackage } from './resolve-package';

const manifestsMax = 1000;
const depthMax = 4;
interface Copy {
  client: RegistryClient;
  name: string;
  folder: string;
  /** What the layout's index lists. */
  roots: Descriptor[];
  manifests: Set<string>;
  blobs: Set<string>;
}

/**
 * Fetches a version from any OCI registry into a new folder as an OCI layout, with its signatures and what else
 * refers to it, and what refers to that, as deep as our own registry's export goes. Every byte is held against its digest; index.json comes last.
 */
export async function copyLayout(
  client: RegistryClient,
  { name, version, digest }: ResolvedPackage,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0)
    throw new L3afError('invalid-request', cannot('pull into', 'folder', folder, 'it is not empty'), {
      hint: 'Name a new folder',
    });
  const copy: Copy = { client, name, folder, roots: [], manifests: new Set(), blobs: new Set() };
  await takeRoot(copy, digest, version);
  // What is found on the way is looked at in turn: a statement may be signed, too.
  for (const found of copy.manifests) await takeAttached(copy, found);
  await writeFile(join(folder, 'oci-layout'), documentBytes({ imageLayoutVersion: '1.0.0' }));
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: copy.roots };
  await writeFile(join(folder, 'index.json'), documentBytes(index));
}

async function takeAttached(copy: Copy, digest: string): Promise<void> {
  const { client, name, manifests } = copy;
  for (const referrer of await client.referrers(name, digest))
    if (!manifests.has(referrer.digest)) await takeRoot(copy, referrer.digest);
  for (const suffix of attachedSuffixes) {
    const tag = fallbackTag(digest) + suffix;
    const found = await tagged(client, name, tag);
    if (found !== undefined) await takeRoot(copy, found, tag);
  }
}

async function takeRoot(copy: Copy, digest: string, tag?: string): Promise<void> {
  const { bytes, mediaType } = await takeManifest(copy, digest, 0);
  const annotations = { [nameAnnotation]: copy.name, ...(tag !== undefined && { [tagAnnotation]: tag }) };
  copy.roots.push({ mediaType, digest, size: bytes.length, annotations });
}

async function takeManifest(copy: Copy, digest: string, depth: number): Promise<Blob> {
  const { client, name, manifests } = copy;
  const manifest = await client.getManifest(name, digest);
  if (manifests.has(digest)) return manifest;
  manifests.add(digest);
  if (manifests.size > manifestsMax || depth > depthMax)
    throw new L3afError(
      'payload-too-large',
      cannot('pull', 'package', name, `it has over ${manifestsMax} manifests or ${depthMax} levels`),
    );
  if (isIndexType(manifest.mediaType)) {
    const index = parseDocument(imageIndexSchema, manifest.bytes, digest);
    for (const one of index.manifests) await takeManifest(copy, one.digest, depth + 1);
  } else {
    const { config, layers } = parseDocument(imageManifestSchema, manifest.bytes, digest);
    for (const blob of [config, ...layers]) await takeBlob(copy, blob.digest);
  }
  await writeFile(await pathOf(copy.folder, digest), manifest.bytes);
  return manifest;
}

async function takeBlob({ client, name, folder, blobs }: Copy, digest: string): Promise<void> {
  if (blobs.has(digest)) return;
  blobs.add(digest);
  const hash = createHash(digest.startsWith('sha512:') ? 'sha512' : 'sha256');
  const source = await client.streamBlob(name, digest);
  const hashed = async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(source, hashed, createWriteStream(await pathOf(folder, digest)));
  const actual = hash.digest('hex');
  if (digest.endsWith(`:${actual}`)) return;
  throw new L3afError('digest-mismatch', cannot('pull', 'blob', digest, `what came is ${actual}`));
}

async function pathOf(folder: string, digest: string): Promise<string> {
  const [algorithm = '', hex = ''] = digest.split(':');
  await mkdir(join(folder, 'blobs', algorithm), { recursive: true });
  return join(folder, 'blobs', algorithm, hex);
}
