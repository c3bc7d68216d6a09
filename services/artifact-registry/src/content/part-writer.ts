import type { Documents } from '../state/documents';
import type { Parts } from '../state/state';
import { passed } from '../young-garbage';
import type { HashThread } from './hashing/hash-thread';
import { giveBuffer, takeBuffer } from './part-buffers';
import type { Piece } from './pieces';
import type { Session, UploadDocument } from './upload-sessions';

/** Parts after which the upload document is written: what a crash can lose of an upload. */
const partsPerRecord = 8;
/** What is on its way to the store while more arrives. */
const bytesAheadMax = 4 * 1024 * 1024;

interface Storing {
  stored: Promise<Piece>;
  isDone: boolean;
}

/**
 * Cuts bytes into parts and stores each. The upload document says that somebody feeds it before the first part is
 * stored, and which parts it has every few of them: so everything that is stored can be found again, and of two
 * writers of one upload, one is told of the other.
 */
export class PartWriter {
  private buffer: Buffer<SharedArrayBuffer> | undefined;
  private buffered = 0;
  private readonly storing: Storing[] = [];
  /** Where the next part begins in the upload. */
  private cutBytes: number;
  private isAnnounced = false;
  private unrecorded = 0;

  constructor(
    private readonly to: {
      parts: Parts;
      documents: Documents<UploadDocument>;
      hashes: HashThread;
      digest: string;
    },
    readonly session: Session,
  ) {
    this.cutBytes = session.document.size;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const { bytesMax } = this.to.parts;
    for (let at = 0; at < chunk.length;) {
      this.buffer ??= takeBuffer(bytesMax);
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
    if (this.isAnnounced) await this.record({ isFed: false });
  }

  private async cut(buffer: Buffer<SharedArrayBuffer>): Promise<void> {
    const bytes = buffer.subarray(0, this.buffered);
    passed(bytes.length);
    this.buffer = undefined;
    this.buffered = 0;
    await this.announce();
    if (this.storing.length * this.to.parts.bytesMax >= bytesAheadMax) await this.settle();
    while (this.storing[0]?.isDone) await this.settle();
    if (this.unrecorded >= partsPerRecord) await this.record({ isFed: true });
    const stored = this.store(bytes).then((piece) => {
      giveBuffer(buffer);
      storing.isDone = true;
      return piece;
    });
    const storing: Storing = { stored, isDone: false };
    // A failure is met when its turn comes.
    stored.catch(() => undefined);
    this.storing.push(storing);
  }

  private async store(bytes: Buffer<SharedArrayBuffer>): Promise<Piece> {
    const { parts, hashes, digest } = this.to;
    const { id, document } = this.session;
    const at = this.cutBytes;
    this.cutBytes += bytes.length;
    const checksum = hashes.add(digest, { algorithm: document.algorithm, at }, bytes);
    const [name, crc32] = await Promise.all([parts.put(id, bytes), checksum]);
    return [name, bytes.length, crc32];
  }

  /** Takes the oldest part that is being stored into the upload. */
  private async settle(): Promise<void> {
    const piece = await this.storing[0]!.stored;
    void this.storing.shift();
    const { document } = this.session;
    this.session.document = {
      ...document,
      size: document.size + piece[1],
      pieces: [...document.pieces, piece],
    };
    this.unrecorded++;
  }

  private async announce(): Promise<void> {
    if (this.isAnnounced) return;
    await this.record({ isFed: true });
    this.isAnnounced = true;
  }

  private async record({ isFed }: { isFed: boolean }): Promise<void> {
    const { id, revision, document } = this.session;
    // Whoever fed it before did not come to the end: what it stored last, no document names.
    const hasStrays = document.hasStrays === true || (document.isFed === true && !this.isAnnounced);
    const next = { ...document, isFed, hasStrays, updatedAt: Date.now() };
    this.session.revision = await this.to.documents.update(id, next, revision);
    this.session.document = next;
    this.unrecorded = 0;
  }
}
