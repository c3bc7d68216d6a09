import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { L3afError, cannot } from '@l3af/contracts';
import {
  documentBytes,
  imageIndexSchema,
  imageManifestSchema,
  isIndexType,
  mediaTypes,
  parseDocument,
  signatureTag,
  type Blob,
  type Descriptor,
  type RegistryClient,
} from '@l3af/oci';
import type { ResolvedPackage } from './resolve-package';

const manifestsMax = 1000;
const depthMax = 4;
/** As `kf export` writes them: an archive or folder says where its images belong. */
const tagAnnotation = 'org.opencontainers.image.ref.name';
const nameAnnotation = 'io.l3af.package';

interface Copy {
  client: RegistryClient;
  name: string;
  folder: string;
  done: Set<string>;
}

/**
 * Fetches a version from any OCI registry, with its signatures and what else refers to it, into a new folder as an
 * OCI layout. Every byte is held against its digest; index.json comes last.
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
  const copy: Copy = { client, name, folder, done: new Set() };
  const roots: Descriptor[] = [await takeRoot(copy, digest, version)];
  for (const referrer of await client.referrers(name, digest))
    roots.push(await takeRoot(copy, referrer.digest));
  const signatures = await tagged(client, name, signatureTag(digest));
  if (signatures !== undefined) roots.push(await takeRoot(copy, signatures, signatureTag(digest)));
  await writeFile(join(folder, 'oci-layout'), documentBytes({ imageLayoutVersion: '1.0.0' }));
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: roots };
  await writeFile(join(folder, 'index.json'), documentBytes(index));
}

async function tagged(client: RegistryClient, name: string, tag: string): Promise<string | undefined> {
  try {
    return (await client.resolve(name, tag)).digest;
  } catch (error) {
    if (error instanceof L3afError && error.code === 'unknown-version') return undefined;
    throw error;
  }
}

async function takeRoot(copy: Copy, digest: string, tag?: string): Promise<Descriptor> {
  const { bytes, mediaType } = await takeManifest(copy, digest, 0);
  const annotations = { [nameAnnotation]: copy.name, ...(tag !== undefined && { [tagAnnotation]: tag }) };
  return { mediaType, digest, size: bytes.length, annotations };
}

async function takeManifest(copy: Copy, digest: string, depth: number): Promise<Blob> {
  const { client, name, done } = copy;
  const manifest = await client.getManifest(name, digest);
  if (done.has(digest)) return manifest;
  done.add(digest);
  if (done.size > manifestsMax || depth > depthMax)
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

async function takeBlob({ client, name, folder, done }: Copy, digest: string): Promise<void> {
  if (done.has(digest)) return;
  done.add(digest);
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
