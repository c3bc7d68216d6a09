import { cannot, L3afError } from '@l3af/contracts';
import { imageIndexSchema, parseDocument, sizeLimits } from '@l3af/oci';
import type { Descriptor } from '@l3af/oci';
import { extract } from 'tar-stream';
import { DistributionError } from '../distribution-error';
import { algorithmOf } from '../content/digest';
import { nameOf, tagOf } from '../http/route';
import type { Registry } from '../registry';
import { isDigest, manifestOf, referencesOf } from '../repository/manifest-document';
import { nameAnnotation, tagAnnotation } from './export-package';
import { versionFor } from './version-for';

export interface Imported {
  name: string;
  digest: string;
  tag?: string;
}

const rootsMax = 1000;
const depthMax = 4;

/**
 * Takes a tar archive of an OCI layout, from {@link exportPackage} or from any other tool: first every blob, held
 * against its digest, then the manifests from the leaves up, then the tags. What breaks off in between leaves
 * nothing that a tag shows. `name` overrides the names in the archive.
 */
export async function importArchive(
  registry: Registry,
  source: AsyncIterable<Uint8Array>,
  name?: string,
): Promise<Imported[]> {
  const archive = extract();
  const feeding = feed(source, archive);
  let index: Uint8Array | undefined;
  const known = new Map<string, number>();
  let sizeBytes = 0;
  try {
    for await (const entry of archive) {
      sizeBytes += entry.header.size ?? 0;
      if (sizeBytes > registry.limits.blobBytesMax) throw tooLarge(registry.limits.blobBytesMax);
      const path = entry.header.name.replace(/^\.\//, '');
      const digest = digestOfPath(path);
      const bytes = entry as AsyncIterable<Uint8Array>;
      if (path === 'index.json') index = await small(bytes);
      else if (digest !== undefined) known.set(digest, await takeBlob(registry, digest, bytes));
      else entry.resume();
    }
    await feeding;
  } catch (cause) {
    feeding.catch(() => undefined);
    if (cause instanceof L3afError || cause instanceof DistributionError) throw cause;
    throw new L3afError('invalid-image', 'Cannot import archive: it is no tar archive of an OCI layout', {
      cause,
    });
  }
  if (!index) throw new L3afError('invalid-image', 'Cannot import archive: it has no index.json');
  return takeRoots(registry, {
    roots: parseDocument(imageIndexSchema, index, 'index.json').manifests,
    known,
    name,
  });
}

const tooLarge = (bytesMax: number): L3afError =>
  new L3afError('payload-too-large', `Cannot import archive: it has more than ${bytesMax} bytes`);

async function feed(source: AsyncIterable<Uint8Array>, archive: ReturnType<typeof extract>): Promise<void> {
  try {
    for await (const chunk of source) if (!archive.write(Buffer.from(chunk))) await roomIn(archive);
    archive.end(null);
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** Ends with the archive, too, or who feeds it would wait for ever. */
const roomIn = (archive: ReturnType<typeof extract>): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      archive.off('drain', done);
      archive.off('close', done);
      resolve();
    };
    archive.on('drain', done);
    archive.on('close', done);
  });

function digestOfPath(path: string): string | undefined {
  const match = /^blobs\/(sha256|sha512)\/[0-9a-f]+$/.exec(path);
  const digest = match && path.slice('blobs/'.length).replace('/', ':');
  return digest && isDigest(digest) ? digest : undefined;
}

async function small(entry: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of entry) {
    size += chunk.length;
    if (size > sizeLimits.manifest)
      throw new L3afError('payload-too-large', 'Cannot import archive: its index.json is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The bytes become content; whether and where they are visible is decided when everything is there. */
async function takeBlob(
  registry: Registry,
  digest: string,
  bytes: AsyncIterable<Uint8Array>,
): Promise<number> {
  const session = await registry.uploads.start('import', algorithmOf(digest));
  try {
    return await registry.uploads.finish(session, digest, bytes);
  } catch (error) {
    await registry.uploads.cancel(session.id);
    throw error;
  }
}

interface Roots {
  roots: Descriptor[];
  known: Map<string, number>;
  name: string | undefined;
}

async function takeRoots(registry: Registry, { roots, known, name }: Roots): Promise<Imported[]> {
  if (roots.length > rootsMax)
    throw new L3afError('payload-too-large', 'Cannot import archive: it has too many images');
  const imported: Imported[] = [];
  for (const root of roots) {
    const one = placeOf(root, name);
    await takeManifest(registry, { repository: one.name, digest: one.digest, known, depth: 0 });
    imported.push(one);
  }
  for (const one of imported) await tagRoot(registry, one);
  // After the tags: signatures are announced of packages, which they are by now.
  for (const one of imported) await announceAttached(registry, one);
  return imported;
}

/** A tag that moves gets a version beside it, or nobody could deploy what came under it. */
async function tagRoot(registry: Registry, root: Imported): Promise<void> {
  const { name, digest, tag } = root;
  if (tag === undefined) return;
  root.tag = versionFor(tag, digest);
  for (const one of new Set([tag, root.tag])) await registry.packages.tag(name, { tag: one, digest });
}

function placeOf({ digest, annotations = {} }: Descriptor, name: string | undefined): Imported {
  const tag = annotations[tagAnnotation];
  const repository = nameOf(name ?? annotations[nameAnnotation] ?? '');
  return { name: repository, digest, ...(tag !== undefined && { tag: tagOf(tag) }) };
}

async function announceAttached(registry: Registry, { name, digest }: Imported): Promise<void> {
  const bytes = await registry.content.get(digest);
  const manifest = bytes && manifestOf(bytes);
  if (manifest?.subject) await registry.packages.attached(name, { digest, manifest });
}

interface Place {
  repository: string;
  digest: string;
  known: Map<string, number>;
  depth: number;
}

async function takeManifest(registry: Registry, place: Place): Promise<void> {
  const { repository, digest, known, depth } = place;
  const size = known.get(digest) ?? 0;
  const bytes =
    size <= sizeLimits.manifest && known.has(digest) ? await registry.content.get(digest) : undefined;
  if (!bytes || depth > depthMax)
    throw new L3afError('invalid-image', cannot('import', 'manifest', digest, 'the archive lacks it'));
  const { blobs, manifests } = referencesOf(manifestOf(bytes));
  for (const blob of blobs) {
    const there = known.get(blob.digest);
    if (there !== undefined) await registry.link(repository, blob.digest, there);
  }
  for (const below of manifests)
    await takeManifest(registry, { ...place, digest: below.digest, depth: depth + 1 });
  await registry.putManifest(repository, { digest, bytes, contentType: undefined });
}
