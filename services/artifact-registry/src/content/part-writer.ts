import { crc32 } from 'node:zlib';
import type { Documents } from '../state/documents';
import type { Parts } from '../state/state';
import type { StoredPart } from './content-store';
import type { Session, UploadDocument } from './upload-sessions';

/** Parts announced with one write of the upload document: what a crash can lose of an upload. */
const partsPerAnnouncement = 4;
/** What is on its way to the store while more arrives. */
const bytesAheadMax = 1536 * 1024;

/**
 * Cuts bytes into parts and stores each. A part's name is in the upload document before the part is stored, so
 * that nothing is ever stored that nobody knows of.
 */
export class PartWriter {
  /** Bytes that the upload has gained. */
  written = 0;
  private chunks: Uint8Array[] = [];
  private buffered = 0;
  private announced: string[] = [];
  private readonly storing: Promise<StoredPart>[] = [];
  /** Announced by a writer that has failed; they stay named until the upload ends, and are deleted then. */
  private readonly stale: string[];

  constructor(
    private readonly parts: Parts,
    private readonly documents: Documents<UploadDocument>,
    readonly session: Session,
  ) {
    this.stale = session.document.intents ?? [];
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const piece = chunk.subarray(at, at + this.parts.bytesMax - this.buffered);
      this.chunks.push(piece);
      this.buffered += piece.length;
      at += piece.length;
      if (this.buffered === this.parts.bytesMax) await this.cut();
    }
  }

  /** Stores what is left and waits for all of it. */
  async flush(): Promise<void> {
    if (this.buffered > 0) await this.cut();
    while (this.storing.length > 0) await this.settle();
    await this.record([]);
  }

  private async cut(): Promise<void> {
    const bytes = Buffer.concat(this.chunks);
    this.chunks = [];
    this.buffered = 0;
    const name = await this.nextName();
    if (this.storing.length * this.parts.bytesMax >= bytesAheadMax) await this.settle();
    const stored = this.parts
      .put(name, bytes)
      .then(() => ({ name, size: bytes.length, crc32: crc32(bytes) }));
    // A failure is met when its turn comes.
    stored.catch(() => undefined);
    this.storing.push(stored);
  }

  /** Takes the oldest part that is being stored into the upload. */
  private async settle(): Promise<void> {
    const part = await this.storing[0]!;
    void this.storing.shift();
    const { document } = this.session;
    this.session.document = {
      ...document,
      size: document.size + part.size,
      parts: [...document.parts, part],
    };
    this.written += part.size;
  }

  private async nextName(): Promise<string> {
    if (this.announced.length === 0) {
      // Those on their way must be in the document, as parts or as intents; waiting for them is the simplest.
      while (this.storing.length > 0) await this.settle();
      this.announced = Array.from({ length: partsPerAnnouncement }, () => this.parts.newName());
      await this.record(this.announced);
    }
    return this.announced.shift()!;
  }

  private async record(names: string[]): Promise<void> {
    const intents = [...this.stale, ...names];
    const next = { ...this.session.document, intents, updatedAt: Date.now() };
    this.session.revision = await this.documents.update(this.session.id, next, this.session.revision);
    this.session.document = next;
  }
}
