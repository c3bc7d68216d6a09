import { createHash } from 'node:crypto';
import { DistributionError } from '../distribution-error';
import { Documents } from '../state/documents';
import type { RegistryState } from '../state/state';

type TagDocument = Record<string, string>;

/** A repository's tags lie in this many documents, each of which is changed as a whole. */
const shards = 16;
const tagsPerShardMax = 8000;

/** What a tag must be now for a change of it to happen. */
export interface TagCondition {
  /** Throws to refuse. */
  check(current: string | undefined): void;
}

/** Which digest each tag of a repository points at. */
export class Tags {
  private readonly documents: Documents<TagDocument>;

  constructor(state: RegistryState) {
    this.documents = new Documents(state.records, 'tags/');
  }

  async get(repository: string, tag: string): Promise<string | undefined> {
    const found = await this.documents.get(keyOf(repository, tag));
    return own(found?.value, tag);
  }

  /** Points a tag at a digest, if the condition likes what it pointed at until now. */
  async set(repository: string, tag: string, target: { digest: string } & TagCondition): Promise<void> {
    await this.documents.change(keyOf(repository, tag), (found = {}) => {
      const current = own(found, tag);
      target.check(current);
      if (current === target.digest) return found;
      if (current === undefined && Object.keys(found).length >= tagsPerShardMax)
        throw new DistributionError('QUOTA_EXCEEDED', `${repository} has too many tags`);
      return { ...found, [tag]: target.digest };
    });
  }

  /** False when there was no such tag. */
  async remove(repository: string, tag: string): Promise<boolean> {
    let removed = false;
    await this.documents.change(keyOf(repository, tag), (found) => {
      removed = own(found, tag) !== undefined;
      return removed ? without(found!, tag) : found;
    });
    return removed;
  }

  /** Removes every tag that points at the digest; returns them. */
  async removeTarget(repository: string, digest: string): Promise<string[]> {
    const removed: string[] = [];
    for (const [tag, target] of await this.list(repository)) {
      if (target !== digest) continue;
      removed.push(tag);
      await this.documents.change(keyOf(repository, tag), (found) =>
        own(found, tag) === digest ? without(found!, tag) : found,
      );
    }
    return removed;
  }

  /** Every tag with its digest, in ASCII order. */
  async list(repository: string): Promise<[tag: string, digest: string][]> {
    const keys = Array.from({ length: shards }, (_, shard) => `${repository}/${shard}`);
    const found = await Promise.all(keys.map((key) => this.documents.get(key)));
    const tags = found.flatMap((one) => Object.entries(one?.value ?? {}));
    return tags.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Repositories that have, or once had, tags. */
  async repositories(): Promise<string[]> {
    const keys = await this.documents.keys();
    return [...new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/'))))];
  }
}

const keyOf = (repository: string, tag: string): string =>
  `${repository}/${createHash('sha256').update(tag).digest().readUInt8(0) % shards}`;

/** A tag may be called `constructor`. */
const own = (tags: TagDocument | undefined, tag: string): string | undefined =>
  tags && Object.hasOwn(tags, tag) ? tags[tag] : undefined;

/** The other tags; undefined when there are none. */
function without(tags: TagDocument, unwanted: string): TagDocument | undefined {
  const rest = Object.entries(tags).filter(([tag]) => tag !== unwanted);
  return rest.length > 0 ? Object.fromEntries(rest) : undefined;
}
