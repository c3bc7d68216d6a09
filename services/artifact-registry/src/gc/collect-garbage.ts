import type { ContentDocument } from '../content/content-store';
import type { Registry } from '../registry';
import type { Manifests } from '../repository/manifests';
import { isConflict } from '../state/documents';
import type { Document } from '../state/documents';

export interface GarbageOptions {
  /** What was touched within this time is left alone, ms. Longer than any push takes between two of its steps. */
  ageMsMin: number;
  now?: number;
}

export interface Garbage {
  uploads: number;
  links: number;
  contents: number;
  bytes: number;
}

/**
 * Removes uploads that nobody feeds, blobs that no manifest of their repository needs, and content that no
 * repository has. Manifests stay until somebody deletes them, since nodes and events name them by digest.
 *
 * It cannot race a push. It first marks what it would remove, then looks for references, then removes what is
 * still as marked. A push makes its reference first and touches what it refers to afterwards, which takes the
 * mark off. So either the reference is seen here, or the removal fails, or the push finds the thing gone and
 * is told so. The age only spares the work.
 */
export async function collectGarbage(registry: Registry, options: GarbageOptions): Promise<Garbage> {
  const garbage: Garbage = { uploads: 0, links: 0, contents: 0, bytes: 0 };
  const isOld = (at: number): boolean => (options.now ?? Date.now()) - at >= options.ageMsMin;
  for (const id of await registry.uploads.ids())
    if (await registry.uploads.expire(id, options)) garbage.uploads++;
  await collectLinks(registry, isOld, garbage);
  await collectContents(registry, isOld, garbage);
  return garbage;
}

type IsOld = (at: number) => boolean;

async function collectLinks({ links, manifests }: Registry, isOld: IsOld, garbage: Garbage): Promise<void> {
  const condemned = new Map<string, number>();
  const needed = await neededLinks(manifests);
  for (const key of await links.documents.keys()) {
    const found = needed.has(key) ? undefined : await links.documents.get(key);
    if (!found || !isOld(found.value.touchedAt)) continue;
    const marked = { ...found.value, condemned: true as const };
    const revision = await unlessConflict(() => links.documents.update(key, marked, found.revision));
    if (revision !== undefined) condemned.set(key, revision);
  }
  if (condemned.size === 0) return;
  for (const key of await neededLinks(manifests)) condemned.delete(key);
  for (const [key, revision] of condemned)
    if (await unlessConflict(() => links.documents.delete(key, revision).then(() => true))) garbage.links++;
}

async function neededLinks(manifests: Manifests): Promise<Set<string>> {
  const needed = new Set<string>();
  for (const key of await manifests.documents.keys())
    for (const digest of (await manifests.documents.get(key))?.value.blobs ?? [])
      needed.add(`${repositoryOf(key)}/${digest}`);
  return needed;
}

async function collectContents(registry: Registry, isOld: IsOld, garbage: Garbage): Promise<void> {
  const { content } = registry;
  const condemned = new Map<string, Document<ContentDocument>>();
  const needed = await neededContents(registry);
  for (const digest of await content.digests()) {
    const found = needed.has(digest) ? undefined : await content.find(digest);
    if (!found || !isOld(found.value.touchedAt)) continue;
    const marked = await unlessConflict(() => content.condemn(digest, found));
    if (marked) condemned.set(digest, marked);
  }
  if (condemned.size === 0) return;
  for (const digest of await neededContents(registry)) condemned.delete(digest);
  for (const [digest, marked] of condemned) {
    if (!(await unlessConflict(() => content.remove(digest, marked).then(() => true)))) continue;
    garbage.contents++;
    garbage.bytes += marked.value.size;
  }
}

async function neededContents({ links, manifests }: Registry): Promise<Set<string>> {
  const keys = [...(await links.documents.keys()), ...(await manifests.documents.keys())];
  return new Set(keys.map(digestOf));
}

/** Undefined when somebody has changed the thing meanwhile. */
async function unlessConflict<T>(change: () => Promise<T>): Promise<T | undefined> {
  try {
    return await change();
  } catch (error) {
    if (isConflict(error)) return undefined;
    throw error;
  }
}

const repositoryOf = (key: string): string => key.slice(0, key.lastIndexOf('/'));
const digestOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);
