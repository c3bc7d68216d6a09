import { crc32 } from 'node:zlib';
import type { Documents } from '../state/documents';
import type { Parts } from '../state/state';
import type { StoredPart } from './content-store';
import type { Session, UploadDocument } from './upload-sessions';

/** Parts announced with one write of the upload document: what a crash can lose of an upload. */
const partsPerAnnouncement = 4;
/** What is on its way to the store while more arrives. */
const bytesAheadMax = 4 * 1024 * 1024;

interface Storing {
  name: string;
  stored: Promise<StoredPart>;
  isDone: boolean;
}

/**
 * Cuts bytes into parts and stores each. A part's name is in the upload document before the part is stored, so
 * that nothing is ever stored that nobody knows of.
 */
export class PartWriter {
  /** Bytes that the upload has gained. */
  written = 0;
  private buffer: Buffer | undefined;
  private buffered = 0;
  /** Buffers of parts that are stored, to be filled again: a large upload makes no garbage. */
  private readonly spare: Buffer[] = [];
  private announced: string[] = [];
  private readonly storing: Storing[] = [];
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
    const { bytesMax } = this.parts;
    for (let at = 0; at < chunk.length;) {
      this.buffer ??= this.spare.pop() ?? Buffer.allocUnsafeSlow(bytesMax);
      const piece = chunk.subarray(at, at + bytesMax - this.buffered);
      this.buffer.set(piece, this.buffered);
      this.buffered += piece.length;
      at += piece.length;
      if (this.buffered === bytesMax) await this.cut(this.buffer);
    }
  }

  /** Stores what is left and waits for all of it. */
  async flush(): Promise<void> {
    if (this.buffer && this.buffered > 0) await this.cut(this.buffer);
    while (this.storing.length > 0) await this.settle();
    await this.record([]);
  }

  private async cut(buffer: Buffer): Promise<void> {
    const bytes = buffer.subarray(0, this.buffered);
    this.buffer = undefined;
    this.buffered = 0;
    const name = await this.nextName();
    if (this.storing.length * this.parts.bytesMax >= bytesAheadMax) await this.settle();
    const part = { name, size: bytes.length, crc32: crc32(bytes) };
    const stored = this.parts.put(name, bytes).then(() => {
      this.spare.push(buffer);
      storing.isDone = true;
      return part;
    });
    const storing: Storing = { name, stored, isDone: false };
    // A failure is met when its turn comes.
    stored.catch(() => undefined);
    this.storing.push(storing);
  }

  /** Takes the oldest part that is being stored into the upload. */
  private async settle(): Promise<void> {
    const part = await this.storing[0]!.stored;
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
      while (this.storing[0]?.isDone) await this.settle();
      this.announced = Array.from({ length: partsPerAnnouncement }, () => this.parts.newName());
      await this.record(this.announced);
    }
    return this.announced.shift()!;
  }

  /** Parts on their way stand in the document, too: as parts or as intents. */
  private async record(names: string[]): Promise<void> {
    const intents = [...this.stale, ...this.storing.map(({ name }) => name), ...names];
    const next = { ...this.session.document, intents, updatedAt: Date.now() };
    this.session.revision = await this.documents.update(this.session.id, next, this.session.revision);
    this.session.document = next;
  }
}
