import { cannot, L3afError } from '@l3af/contracts';
import { fallbackTag, isIndexType, RegistryClient } from '@l3af/oci';
import type { Blob } from '@l3af/oci';
import { algorithmOf } from '../content/digest';
import type { Registry } from '../registry';
import { isDigest, manifestOf, referencesOf } from '../repository/manifest-document';
import { findCredentials } from './credentials';
import { versionFor } from './version-for';

export interface MirrorRequest {
  /** The other registry, `https://host[:port]`. */
  from: string;
  /** The repository there. */
  name: string;
  /** A tag, or a digest. */
  reference: string;
  /** The repository here; default: the same name. */
  as?: string | undefined;
  /** The version here; default: the tag there, unless it moves (`latest`) or there is none: then one of the digest. */
  version?: string | undefined;
  /** The name of credentials that this registry holds. */
  credentials?: string | undefined;
  /** Plain HTTP will do. */
  insecure?: boolean | undefined;
}

export interface Mirrored {
  name: string;
  version: string;
  digest: string;
  /** Tags set here: the version, the reference, if it was one, and those that signatures lie under. */
  tags: string[];
  manifests: number;
  blobs: number;
}

/** Of one package with everything attached. */
const manifestsMax = 1000;
const depthMax = 4;
/** For one blob of the largest size over a slow line. */
const timeoutMs = 30 * 60_000;
/** What cosign's older form attaches by a tag made of the digest. */
export const attachedSuffixes = ['.sig', '.att', '.sbom'];

interface Copy {
  registry: Registry;
  source: RegistryClient;
  /** There and here. */
  from: string;
  to: string;
  manifests: Map<string, Blob>;
  blobs: Set<string>;
}

/**
 * Copies a version from another registry with all that refers to it: signatures, statements, and what refers to
 * those. Everything is held against its digest as it comes. The tags are set when all of it is here, so that
 * what breaks off in between shows nothing. Repeating it copies only what is missing.
 */
export async function mirrorPackage(
  registry: Registry,
  request: MirrorRequest,
  credentialsDir?: string,
): Promise<Mirrored> {
  const credentials = await findCredentials(request.credentials, credentialsDir);
  const source = new RegistryClient(originOf(request), { timeoutMs, ...(credentials && { credentials }) });
  const { name: from, reference, as: to = from } = request;
  const copy: Copy = { registry, source, from, to, manifests: new Map(), blobs: new Set() };
  const root = await source.getManifest(from, reference);
  await takeManifest(copy, root, 0);
  const tags = new Map<string, string>();
  const version = request.version ?? versionFor(reference, root.digest);
  if (!isDigest(reference)) tags.set(reference, root.digest);
  tags.set(version, root.digest);
  // What is found on the way is looked at in turn: a statement may be signed, too.
  for (const digest of copy.manifests.keys()) await takeAttached(copy, digest, tags);
  for (const [tag, digest] of tags) await registry.packages.tag(to, { tag, digest });
  for (const [digest, { bytes }] of copy.manifests) {
    const manifest = manifestOf(bytes);
    if (manifest.subject) await registry.packages.attached(to, { digest, manifest });
  }
  const { manifests, blobs } = copy;
  return {
    name: to,
    version,
    digest: root.digest,
    tags: [...tags.keys()],
    manifests: manifests.size,
    blobs: blobs.size,
  };
}

function originOf({ from, insecure }: MirrorRequest): string {
  const url = URL.canParse(from) ? new URL(from) : undefined;
  const refuse = (state: string) =>
    new L3afError('invalid-request', cannot('mirror from', 'registry', from.slice(0, 200), state));
  if (!url || !['https:', 'http:'].includes(url.protocol)) throw refuse('needs https://HOST[:PORT]');
  if (url.username || url.password) throw refuse('it has credentials, which belong in no request');
  if (url.href !== `${url.origin}/`) throw refuse('it has a path, needs https://HOST[:PORT]');
  if (url.protocol === 'http:' && insecure !== true)
    throw refuse('it is plain HTTP, needs --plain-http ("insecure": true)');
  return url.origin;
}

async function takeManifest(copy: Copy, manifest: Blob, depth: number): Promise<void> {
  const { registry, to, manifests } = copy;
  const { digest, bytes, mediaType } = manifest;
  if (manifests.has(digest)) return;
  if (manifests.size >= manifestsMax || depth > depthMax)
    throw new L3afError(
      'payload-too-large',
      cannot(
        'mirror',
        'package',
        `${copy.from}@${digest}`,
        `it has over ${manifestsMax} manifests or ${depthMax} levels`,
      ),
    );
  const { blobs, manifests: below } = referencesOf(manifestOf(bytes));
  for (const blob of blobs) await takeBlob(copy, blob.digest);
  for (const one of below)
    await takeManifest(copy, await copy.source.getManifest(copy.from, one.digest), depth + 1);
  await registry.putManifest(to, { digest, bytes, contentType: mediaType || undefined });
  manifests.set(digest, manifest);
}

async function takeBlob({ registry, source, from, to, blobs }: Copy, digest: string): Promise<void> {
  if (blobs.has(digest)) return;
  blobs.add(digest);
  if (await registry.links.touch(to, digest)) return;
  await registry.quota.check(to);
  const session = await registry.uploads.start(to, algorithmOf(digest));
  try {
    const bytes = await source.streamBlob(from, digest);
    const size = await registry.uploads.finish(session, digest, registry.quota.bounded(session, bytes));
    await registry.links.add(to, digest, size);
    registry.quota.add(to, size);
  } catch (cause) {
    await registry.uploads.cancel(session.id);
    // A connection that breaks in the middle is told by fetch as a TypeError.
    if (cause instanceof TypeError || (cause as Error).name === 'TimeoutError')
      throw new L3afError(
        'registry-unavailable',
        cannot('mirror', 'blob', `${from}@${digest}`, 'the registry broke off'),
        { cause },
      );
    throw cause;
  }
}

async function takeAttached(copy: Copy, digest: string, tags: Map<string, string>): Promise<void> {
  const { source, from } = copy;
  for (const referrer of await source.referrers(from, digest))
    await takeManifest(copy, await source.getManifest(from, referrer.digest), 0);
  if (!digest.startsWith('sha256:')) return;
  for (const suffix of attachedSuffixes) {
    const tag = fallbackTag(digest) + suffix;
    const found = await manifestIfThere(copy, tag);
    if (!found || isIndexType(found.mediaType)) continue;
    await takeManifest(copy, found, 0);
    tags.set(tag, found.digest);
  }
}

async function manifestIfThere({ source, from }: Copy, tag: string): Promise<Blob | undefined> {
  try {
    return await source.getManifest(from, tag);
  } catch (error) {
    if (error instanceof L3afError && error.code === 'unknown-version') return undefined;
    throw error;
  }
}
