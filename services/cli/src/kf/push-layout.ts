import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { L3afError, cannot, packageNameSchema } from '@l3af/contracts';
import {
  checkDigest,
  digestOf,
  documentBytes,
  imageIndexSchema,
  imageManifestSchema,
  isIndexType,
  mediaTypes,
  parseDocument,
  putReferrer,
  type Blob,
  type ContentSource,
  type Descriptor,
  type RegistryClient,
} from '@l3af/oci';
import type { Imported } from '../api/registry-address';
import { layoutSource, readIndex } from './oci-layout';
import { attachedSuffixes, nameAnnotation, tagAnnotation, tagged } from './registry-tags';

const depthMax = 4;

interface Push {
  client: RegistryClient;
  name: string;
  source: ContentSource;
  folder: string;
  done: Set<string>;
}

/**
 * Pushes an OCI layout to a registry that is not ours, with all that is attached: manifests from the leaves up, what
 * refers to them, then the tags, so that what breaks off in between shows nothing. A version that is there with other
 * content is refused; signatures that others have put under a tag there are kept.
 */
export async function pushLayout(
  client: RegistryClient,
  folder: string,
  name: string | undefined,
): Promise<Imported> {
  const index = await readIndex(folder);
  const source = layoutSource(folder, index);
  const done = new Map<string, Set<string>>();
  const pushed: Imported = [];
  for (const root of index.manifests) pushed.push(placeOf(root, name));
  for (const { name: repository, tag, digest } of pushed)
    if (tag !== undefined && !isAttached(tag)) await checkVersion(client, { repository, tag, digest });
  for (const { name: repository, digest } of pushed) {
    const known = done.get(repository) ?? new Set<string>();
    done.set(repository, known);
    await pushManifest({ client, name: repository, source, folder, done: known }, digest, 0);
  }
  for (const { name: repository, tag, digest } of pushed)
    if (tag !== undefined) await putTag(client, { repository, tag, manifest: await source.manifest(digest) });
  return pushed;
}

function placeOf({ digest, annotations = {} }: Descriptor, name: string | undefined): Imported[number] {
  const repository = name ?? annotations[nameAnnotation] ?? '';
  if (!packageNameSchema.safeParse(repository).success)
    throw new L3afError('invalid-request', cannot('push', 'image', digest, 'the layout does not name it'), {
      hint: 'Name it: --name NAME',
    });
  const tag = annotations[tagAnnotation];
  return { name: repository, digest, ...(tag !== undefined && { tag }) };
}

const isAttached = (tag: string): boolean => attachedSuffixes.some((suffix) => tag.endsWith(suffix));

interface Place {
  repository: string;
  tag: string;
}

async function checkVersion(client: RegistryClient, place: Place & { digest: string }): Promise<void> {
  const { repository, tag, digest } = place;
  const existing = tag === 'latest' ? undefined : await tagged(client, repository, tag);
  if (existing === undefined || existing === digest) return;
  const state = `the registry has it as ${existing}, this is ${digest}`;
  throw new L3afError('version-exists', cannot('push', 'package', `${repository}@${tag}`, state));
}

async function pushManifest(push: Push, digest: string, depth: number): Promise<void> {
  const { client, name, source, done } = push;
  if (done.has(digest)) return;
  if (depth > depthMax)
    throw new L3afError('payload-too-large', cannot('push', 'package', name, `over ${depthMax} levels`));
  done.add(digest);
  const { bytes, mediaType } = await source.manifest(digest);
  checkDigest(bytes, digest);
  const { config, layers = [], manifests = [], subject } = referencesOf(bytes, { mediaType, digest });
  for (const one of manifests) await pushManifest(push, one.digest, depth + 1);
  for (const blob of config ? [config, ...layers] : layers) await pushBlob(push, blob.digest);
  const type = mediaType || (config ? mediaTypes.manifest : '');
  const manifest: Blob = { bytes, digest, mediaType: type };
  if (subject) await putReferrer(client, name, manifest);
  else await client.putManifest(name, digest, manifest);
}

interface References {
  config?: Descriptor;
  layers?: Descriptor[];
  manifests?: Descriptor[];
  subject?: Descriptor | undefined;
}

const referencesOf = (bytes: Uint8Array, { mediaType, digest }: Omit<Blob, 'bytes'>): References =>
  isIndexType(mediaType)
    ? parseDocument(imageIndexSchema, bytes, digest)
    : parseDocument(imageManifestSchema, bytes, digest);

async function pushBlob({ client, name, folder, done }: Push, digest: string): Promise<void> {
  if (done.has(digest)) return;
  done.add(digest);
  const bytes = await readFile(join(folder, 'blobs', ...digest.split(':'))).catch((cause: Error) => {
    throw new L3afError('invalid-image', cannot('push', 'blob', digest, 'the folder lacks it'), { cause });
  });
  checkDigest(bytes, digest);
  await client.putBlob(name, bytes, digest);
}

async function putTag(
  client: RegistryClient,
  { repository, tag, manifest }: Place & { manifest: Pick<Blob, 'bytes' | 'mediaType'> },
): Promise<void> {
  const existing = isAttached(tag) ? await tagged(client, repository, tag) : undefined;
  const put = existing === undefined ? manifest : await mergeTag(client, { repository, tag }, manifest);
  if (put) await client.putManifest(repository, tag, put);
}

/** One manifest holds every signer's layer: ours are added to those that are there; undefined: none is missing. */
async function mergeTag(
  client: RegistryClient,
  { repository, tag }: Place,
  ours: Pick<Blob, 'bytes' | 'mediaType'>,
): Promise<Pick<Blob, 'bytes' | 'mediaType'> | undefined> {
  const there = parseDocument(imageManifestSchema, (await client.getManifest(repository, tag)).bytes, tag);
  const mine = parseDocument(imageManifestSchema, ours.bytes, tag);
  const added = mine.layers.filter((layer) => !there.layers.some((one) => isDeepStrictEqual(one, layer)));
  if (added.length === 0) return undefined;
  const layers = [...there.layers, ...added];
  const config = documentBytes({
    ...{ architecture: '', os: '', config: {} },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  });
  await client.putBlob(repository, config);
  const described = { ...mine.config, digest: digestOf(config), size: config.length };
  return { mediaType: ours.mediaType, bytes: documentBytes({ ...mine, config: described, layers }) };
}
