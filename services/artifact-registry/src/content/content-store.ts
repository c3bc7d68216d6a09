import { crc32 } from 'node:zlib';
import { cannot, L3afError } from '@l3af/contracts';
import { Documents } from '../state/documents';
import type { Document } from '../state/documents';
import type { PartReference, Parts, RegistryState } from '../state/state';
import { passed } from '../young-garbage';
import { digestIs, hashFor } from './digest';
import { giveBuffer, takeBuffer } from './part-buffers';
import { ownersOf, partsOf } from './pieces';
import type { Piece, Pieces } from './pieces';

/** What content is made of: parts in order, or, when small, the bytes themselves (base64). */
export interface ContentDocument extends Pieces {
  size: number;
  inline?: string;
  /** When somebody last meant to use it, ms since the epoch: garbage collection keeps its hands off for a while. */
  touchedAt: number;
  /** Garbage collection will remove it unless somebody touches it. */
  condemned?: true;
}

/** Content up to this size is kept in its document. */
export const inlineBytesMax = 64 * 1024;
/** Whoever is about to refer to something that was touched longer ago than this touches it first. */
export const touchAgeMs = 10 * 60_000;

/** What a reader has fetched before it is asked for, at most. More is not faster, and takes more memory. */
const bytesAheadMax = 1024 * 1024;
const cacheBytesMax = 16 * 1024 * 1024;

/** Content by digest, once for all repositories. Whether a repository has it, its links and manifests say. */
export class ContentStore {
  private readonly documents: Documents<ContentDocument>;
  private readonly parts: Parts;
  /** Content never changes, so that what was read once stays right; bounded, oldest out first. */
  private readonly cache = new Map<string, Buffer>();
  private cachedBytes = 0;

  constructor(state: RegistryState) {
    this.documents = new Documents(state.records, 'content/');
    this.parts = state.parts;
  }

  find(digest: string): Promise<Document<ContentDocument> | undefined> {
    return this.documents.get(digest);
  }

  async size(digest: string): Promise<number | undefined> {
    return this.cache.get(digest)?.length ?? (await this.find(digest))?.value.size;
  }

  /**
   * Makes content known, or, where it is known, keeps it from garbage collection. Returns whether the given
   * parts are now part of it; else they belong to nobody.
   */
  async adopt(digest: string, content: Omit<ContentDocument, 'touchedAt'>): Promise<boolean> {
    const mine = { ...content, touchedAt: Date.now() };
    const now = await this.documents.change(digest, (found) => (found ? touched(found) : mine));
    return now === mine || (content.owner !== undefined && now?.owner === content.owner);
  }

  /**
   * Keeps content from garbage collection; false when there is none. Whoever makes a reference to it does this
   * afterwards: then either the collector sees the reference, or its removal fails, or this says so.
   */
  async touch(digest: string): Promise<boolean> {
    const now = await this.documents.change(digest, (found) => found && touched(found));
    return now !== undefined;
  }

  /** Stores small content that is at hand, such as a manifest. The caller has checked the digest. */
  async put(digest: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length <= inlineBytesMax) {
      await this.adopt(digest, { size: bytes.length, inline: Buffer.from(bytes).toString('base64') });
      return;
    }
    const owner = this.parts.newOwner();
    const pieces: Piece[] = [];
    const { bytesMax } = this.parts;
    for (let at = 0; at < bytes.length; at += bytesMax) {
      const piece = bytes.subarray(at, at + bytesMax);
      pieces.push([await this.parts.put(owner, piece), piece.length, crc32(piece)]);
    }
    const size = bytes.length;
    if (await this.adopt(digest, { size, owner, pieces }))
      await this.parts.seal(owner, { digest, sizeBytes: size, parts: pieces.length });
    else await this.parts.delete(owner);
  }

  /** The whole of small content; checked. */
  async get(digest: string): Promise<Buffer | undefined> {
    const cached = this.cache.get(digest);
    if (cached) return cached;
    const found = await this.find(digest);
    if (!found) return undefined;
    const pieces: Uint8Array[] = [];
    for await (const piece of this.read(found.value)) pieces.push(Buffer.from(piece));
    const bytes = Buffer.concat(pieces);
    if (!digestIs(hashFor(digest).update(bytes), digest)) throw damaged(digest);
    if (bytes.length <= inlineBytesMax) this.remember(digest, bytes);
    return bytes;
  }

  /**
   * Content in pieces. Each part is held against its checksum before any of it is given out; its digest was
   * checked when it came, and is by whoever takes it.
   */
  read(content: ContentDocument): AsyncGenerator<Uint8Array> {
    return this.readRange(content, { start: 0, end: content.size });
  }

  /**
   * The bytes from `start` up to, not including, `end`; each part they lie in is checked. A piece's memory is
   * used again once the piece after the next is asked for: who keeps one longer copies it.
   */
  async *readRange(
    content: ContentDocument,
    range: { start: number; end: number },
  ): AsyncGenerator<Uint8Array> {
    if (content.inline !== undefined) {
      yield Buffer.from(content.inline, 'base64').subarray(range.start, range.end);
      return;
    }
    const ahead = Math.max(1, Math.floor(bytesAheadMax / this.parts.bytesMax));
    const fetched: { into: Buffer<SharedArrayBuffer>; bytes: Promise<Uint8Array> }[] = [];
    const given: Buffer<SharedArrayBuffer>[] = [];
    const wanted = partsIn(partsOf(content), range);
    for (const [index, { from, to }] of wanted.entries()) {
      while (given.length > 1) giveBuffer(given.shift()!);
      for (const { part } of wanted.slice(index + fetched.length, index + 1 + ahead)) {
        // A part may be larger than this state makes them now.
        const into = takeBuffer(Math.max(this.parts.bytesMax, part.size));
        const bytes = this.parts.get(part, into);
        // Its failure is met when its turn comes, if the reader comes that far.
        bytes.catch(() => undefined);
        fetched.push({ into, bytes });
      }
      const { into, bytes } = fetched.shift()!;
      yield (await bytes).subarray(from, to);
      passed(to - from);
      given.push(into);
    }
    // The last is in use still.
    for (const buffer of given.slice(0, -1)) giveBuffer(buffer);
  }

  /** Announces the removal of content at the revision it was read at; returns the document to remove. */
  async condemn(digest: string, found: Document<ContentDocument>): Promise<Document<ContentDocument>> {
    const value = { ...found.value, condemned: true as const };
    return { value, revision: await this.documents.update(digest, value, found.revision) };
  }

  /** Removes content at the revision it was read at; `conflict` when somebody has touched it since. */
  async remove(digest: string, found: Document<ContentDocument>): Promise<void> {
    await this.documents.delete(digest, found.revision);
    this.forget(digest);
    for (const owner of ownersOf(found.value)) await this.parts.delete(owner);
  }

  digests(): Promise<string[]> {
    return this.documents.keys();
  }

  private remember(digest: string, bytes: Buffer): void {
    this.forget(digest);
    this.cache.set(digest, bytes);
    this.cachedBytes += bytes.length;
    for (const oldest of this.cache.keys()) {
      if (this.cachedBytes <= cacheBytesMax) break;
      this.forget(oldest);
    }
  }

  private forget(digest: string): void {
    this.cachedBytes -= this.cache.get(digest)?.length ?? 0;
    this.cache.delete(digest);
  }
}

/** The parts that a range touches, and which of their bytes it wants. */
function partsIn(parts: PartReference[], range: { start: number; end: number }) {
  const wanted: { part: PartReference; from: number; to: number }[] = [];
  let at = 0;
  for (const part of parts) {
    const from = Math.max(range.start - at, 0);
    const to = Math.min(range.end - at, part.size);
    if (from < to) wanted.push({ part, from, to });
    at += part.size;
  }
  return wanted;
}

/** The same document when it is safe as it is. */
export function touched<T extends { touchedAt: number; condemned?: true }>(document: T): T {
  if (!document.condemned && Date.now() - document.touchedAt < touchAgeMs) return document;
  const next = { ...document, touchedAt: Date.now() };
  delete next.condemned;
  return next;
}

const damaged = (what: string): L3afError =>
  new L3afError('digest-mismatch', cannot('read', 'content', what, 'it is not what its digest says'));
