import type { ContentDocument, ContentStore } from '../content/content-store';
import { touchAgeMs } from '../content/content-store';
import { DistributionError } from '../distribution-error';
import { Documents } from '../state/documents';
import type { RegistryState } from '../state/state';

export interface LinkDocument {
  size: number;
  touchedAt: number;
}

/** Which blobs a repository has. */
export class Links {
  readonly documents: Documents<LinkDocument>;

  constructor(
    state: RegistryState,
    private readonly content: ContentStore,
  ) {
    this.documents = new Documents(state.records, 'link/');
  }

  /** Gives the repository a blob whose content is known and was touched just now. */
  async add(repository: string, digest: string, size: number): Promise<void> {
    await this.documents.change(
      `${repository}/${digest}`,
      (found) => fresh(found) ?? { size, touchedAt: Date.now() },
    );
  }

  /** The blob's content; undefined when the repository has none. */
  async find(repository: string, digest: string): Promise<ContentDocument | undefined> {
    const [link, content] = await Promise.all([
      this.documents.get(`${repository}/${digest}`),
      this.content.find(digest),
    ]);
    return link && content?.value;
  }

  /** Keeps a blob from garbage collection while something that refers to it is put; false when there is none. */
  async touch(repository: string, digest: string): Promise<boolean> {
    const now = await this.documents.change(
      `${repository}/${digest}`,
      (found) => found && (fresh(found) ?? { ...found, touchedAt: Date.now() }),
    );
    return now !== undefined;
  }

  async remove(repository: string, digest: string): Promise<void> {
    const key = `${repository}/${digest}`;
    if (!(await this.documents.get(key)))
      throw new DistributionError('BLOB_UNKNOWN', `${repository} has no blob ${digest}`);
    await this.documents.remove(key);
  }
}

const fresh = (link: LinkDocument | undefined): LinkDocument | undefined =>
  link && Date.now() - link.touchedAt < touchAgeMs ? link : undefined;
