import type { ContentDocument, ContentStore } from '../content/content-store';
import { touched } from '../content/content-store';
import { DistributionError } from '../distribution-error';
import { Documents } from '../state/documents';
import type { RegistryState } from '../state/state';

export interface LinkDocument {
  size: number;
  touchedAt: number;
  /** Garbage collection will remove it unless somebody touches it. */
  condemned?: true;
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

  /** Gives the repository a blob whose content is known; throws BLOB_UNKNOWN when it has vanished meanwhile. */
  async add(repository: string, digest: string, size: number): Promise<void> {
    const key = `${repository}/${digest}`;
    await this.documents.change(key, (found) => (found ? touched(found) : { size, touchedAt: Date.now() }));
    if (await this.content.touch(digest)) return;
    await this.documents.remove(key);
    throw new DistributionError('BLOB_UNKNOWN', `there is no content ${digest} any more, push it again`);
  }

  /** The blob's content; undefined when the repository has none. */
  async find(repository: string, digest: string): Promise<ContentDocument | undefined> {
    const [link, content] = await Promise.all([
      this.documents.get(`${repository}/${digest}`),
      this.content.find(digest),
    ]);
    return link && content?.value;
  }

  /** Keeps a blob from garbage collection; false when the repository has none. See {@link ContentStore.touch}. */
  async touch(repository: string, digest: string): Promise<boolean> {
    const now = await this.documents.change(`${repository}/${digest}`, (found) => found && touched(found));
    return now !== undefined;
  }

  async remove(repository: string, digest: string): Promise<void> {
    const key = `${repository}/${digest}`;
    if (!(await this.documents.get(key)))
      throw new DistributionError('BLOB_UNKNOWN', `${repository} has no blob ${digest}`);
    await this.documents.remove(key);
  }
}
