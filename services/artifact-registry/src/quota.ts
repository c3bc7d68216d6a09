import { DistributionError } from './distribution-error';
import type { Links } from './repository/links';

/** How many bytes of blobs a repository may have; counted anew once a minute. */
export class Quota {
  private readonly counted = new Map<string, { at: number; bytes: number }>();

  constructor(
    private readonly links: Links,
    private readonly repositoryBytesMax: number,
  ) {}

  /** Throws QUOTA_EXCEEDED when the repository has no room left, for so many bytes if that is known. */
  async check(repository: string, comingBytes = 1): Promise<void> {
    if (this.repositoryBytesMax === 0) return;
    const bytes = await this.bytesOf(repository);
    if (bytes + comingBytes > this.repositoryBytesMax)
      throw new DistributionError(
        'QUOTA_EXCEEDED',
        `${repository} has ${bytes} of ${this.repositoryBytesMax} bytes`,
      );
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
    for (const key of await this.links.documents.keys())
      if (key.slice(0, key.lastIndexOf('/')) === repository)
        bytes += (await this.links.documents.get(key))?.value.size ?? 0;
    this.counted.set(repository, { at: Date.now(), bytes });
    return bytes;
  }
}
