import type { OpenUploads } from './content/open-uploads';
import type { Session } from './content/upload-sessions';
import { DistributionError } from './distribution-error';
import type { Links } from './repository/links';
import type { Manifests } from './repository/manifests';

export interface QuotaParts {
  links: Links;
  manifests: Manifests;
  uploads: OpenUploads;
}

/** How many bytes of blobs, manifests and uploads under way a repository may have; counted anew once a minute. */
export class Quota {
  private readonly counted = new Map<string, { at: number; bytes: number }>();

  constructor(
    private readonly parts: QuotaParts,
    private readonly repositoryBytesMax: number,
  ) {}

  /** Throws QUOTA_EXCEEDED when the repository has no room left, for so many bytes if that is known. */
  async check(repository: string, comingBytes = 1, upload?: string): Promise<void> {
    if (this.repositoryBytesMax === 0) return;
    const stored = await this.bytesOf(repository);
    const bytes = stored + (await this.parts.uploads.bytesOf(repository, upload));
    if (bytes + comingBytes > this.repositoryBytesMax)
      throw new DistributionError(
        'QUOTA_EXCEEDED',
        `${repository} has ${bytes} of ${this.repositoryBytesMax} bytes`,
      );
  }

  /** Throws QUOTA_EXCEEDED unless an upload may grow by so many bytes; from now on they count. */
  private async reserve({ id, document }: Session, comingBytes: number): Promise<void> {
    const { repository, size } = document;
    const bytes = size + comingBytes;
    await this.check(repository, bytes, id);
    this.parts.uploads.holds(id, { repository, bytes });
  }

  /** The bytes of an upload as they come, as long as the repository has room for them, whatever length was told. */
  bounded(session: Session, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return this.repositoryBytesMax === 0 ? bytes : this.counting(session, bytes);
  }

  private async *counting(session: Session, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let coming = 0;
    for await (const chunk of bytes) {
      coming += chunk.length;
      await this.reserve(session, coming);
      yield chunk;
    }
  }

  /** The repository has got so many bytes since it was counted. */
  add(repository: string, bytes: number): void {
    const known = this.counted.get(repository);
    if (known) known.bytes += bytes;
  }

  private async bytesOf(repository: string): Promise<number> {
    const known = this.counted.get(repository);
    if (known && Date.now() - known.at < 60_000) return known.bytes;
    let bytes = 0;
    for (const { documents } of [this.parts.links, this.parts.manifests])
      for (const key of await documents.keys())
        if (key.slice(0, key.lastIndexOf('/')) === repository)
          bytes += (await documents.get(key))?.value.size ?? 0;
    this.counted.set(repository, { at: Date.now(), bytes });
    return bytes;
  }
}
