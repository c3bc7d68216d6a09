import { DistributionError } from '../distribution-error';
import type { Documents } from '../state/documents';
import type { UploadDocument } from './upload-sessions';

export interface OpenUploadsLimits {
  /** How many may be under way at once, in all repositories together; 0: any. */
  uploadsMax: number;
  /** Whether anybody asks for their bytes. */
  countsBytes: boolean;
}

export interface UploadRecords {
  documents: Documents<UploadDocument>;
  /** Forgets an upload that nobody has fed for so long; says whether it did. */
  expire: (id: string, idleMs: number) => Promise<boolean>;
}

interface Open {
  repository: string;
  bytes: number;
}

/** Which of them is as good as abandoned: garbage collection leaves younger ones alone, too. */
export const idleMsMax = 1_200_000;

const freshMs = 60_000;
/** Once the limit is reached: another process may have finished some, or their senders have gone. */
const freshAtLimitMs = 1_000;

/**
 * The uploads under way and their bytes, as this process knows them: its own at once, those of other processes when
 * it counts anew: at the limit, and once a minute when their bytes matter. When there are too many, those whose senders have gone make room. What nobody limits
 * is not counted.
 */
export class OpenUploads {
  private readonly known = new Map<string, Open>();
  private countedAt = 0;
  private counting: Promise<void> | undefined;

  constructor(
    private readonly records: UploadRecords,
    private readonly limits: OpenUploadsLimits,
  ) {}

  /** Throws TOOMANYREQUESTS when no other upload may begin; else one is counted under its id. */
  async begin(id: string, repository: string): Promise<void> {
    const { uploadsMax } = this.limits;
    if (uploadsMax > 0) {
      // Counting goes through all there were for a day: not before it matters.
      if (this.known.size >= uploadsMax) await this.count(freshAtLimitMs);
      if (this.known.size >= uploadsMax)
        throw new DistributionError(
          'TOOMANYREQUESTS',
          `${uploadsMax} uploads are under way, finish some first`,
        );
    }
    this.holds(id, { repository, bytes: 0 });
  }

  /** The upload has, or is about to have, so many bytes. */
  holds(id: string, open: Open): void {
    if (this.limits.uploadsMax > 0 || this.limits.countsBytes) this.known.set(id, open);
  }

  end(id: string): void {
    this.known.delete(id);
  }

  /** What a repository's uploads hold, without the one that asks. */
  async bytesOf(repository: string, except?: string): Promise<number> {
    await this.count(freshMs);
    let bytes = 0;
    for (const [id, open] of this.known)
      if (open.repository === repository && id !== except) bytes += open.bytes;
    return bytes;
  }

  private async count(maxAgeMs: number): Promise<void> {
    if (Date.now() - this.countedAt < maxAgeMs) return;
    this.counting ??= this.countAnew().finally(() => (this.counting = undefined));
    await this.counting;
  }

  private async countAnew(): Promise<void> {
    const before = [...this.known.keys()];
    const ids = new Set(await this.records.documents.keys());
    if (ids.size >= this.limits.uploadsMax && this.limits.uploadsMax > 0) await this.makeRoom(ids);
    for (const id of before) if (!ids.has(id)) this.known.delete(id);
    for (const id of ids) await this.see(id);
    this.countedAt = Date.now();
  }

  private async makeRoom(ids: Set<string>): Promise<void> {
    for (const id of ids) if (await this.records.expire(id, idleMsMax)) ids.delete(id);
  }

  private async see(id: string): Promise<void> {
    const known = this.known.get(id) ?? { repository: '', bytes: 0 };
    if (!this.limits.countsBytes) return void this.known.set(id, known);
    const found = await this.records.documents.get(id);
    if (!found) return;
    const { repository, size } = found.value;
    // What comes just now counts before the document says so.
    this.known.set(id, { repository, bytes: Math.max(size, known.bytes) });
  }
}
