import { createHash, randomUUID } from 'node:crypto';
import { DistributionError } from '../distribution-error';
import { Documents, isConflict } from '../state/documents';
import type { RegistryState } from '../state/state';
import { PartWriter } from './part-writer';
import type { ContentStore } from './content-store';
import { inlineBytesMax } from './content-store';
import { algorithmOf, digestIs } from './digest';
import type { Algorithm } from './digest';
import { HashThread } from './hashing/hash-thread';
import { OpenUploads, type OpenUploadsLimits } from './open-uploads';
import type { Piece } from './pieces';

/** An upload under way. */
export interface UploadDocument {
  repository: string;
  /** What its digest will probably be made with. */
  algorithm: Algorithm;
  updatedAt: number;
  /** Bytes received and kept. */
  size: number;
  /** What was received, in order; the upload's id is their owner. */
  pieces: Piece[];
  /** Somebody is storing parts which are not named here yet, or died doing so. */
  isFed?: boolean;
  /** Its owner has parts which are not named here and never will be. */
  hasStrays?: boolean;
  /** Nobody's any more; what was stored of it goes when it expires. */
  isCancelled?: boolean;
  /** Set when the upload is becoming content under this digest. */
  committing?: string;
}

export interface Session {
  id: string;
  document: UploadDocument;
  revision: number;
}

const digestsMax = 1000;

/**
 * Uploads that may come in pieces, through several processes, and be cut at any byte. What has arrived is kept
 * in whole parts and in an upload document; nothing of it is content before {@link finish}.
 */
export class UploadSessions {
  private readonly documents: Documents<UploadDocument>;
  readonly open: OpenUploads;
  /** Saves reading everything again at the end when all pieces came through this process. */
  private readonly hashes = new HashThread();
  /** The running digest of each upload; a second writer of an upload at the same time begins one of its own. */
  private readonly digests = new Map<string, string>();

  constructor(
    private readonly state: RegistryState,
    private readonly content: ContentStore,
    private readonly limits: { blobBytesMax: number } & OpenUploadsLimits,
  ) {
    this.documents = new Documents(state.uploads, 'upload/');
    this.open = new OpenUploads(
      { documents: this.documents, expire: (id, ageMsMin) => this.expire(id, { ageMsMin }) },
      limits,
    );
  }

  /** Throws TOOMANYREQUESTS when too many are under way. */
  async start(repository: string, algorithm: Algorithm): Promise<Session> {
    const id = randomUUID();
    await this.open.begin(id, repository);
    const document = { repository, algorithm, updatedAt: Date.now(), size: 0, pieces: [] };
    return { id, document, revision: await this.documents.create(id, document) };
  }

  /** Throws BLOB_UPLOAD_UNKNOWN unless the repository has such an upload. */
  async find(repository: string, id: string): Promise<Session> {
    const found = await this.documents.get(id);
    // One from before uploads owned their parts is as good as lost: its sender starts again.
    if (found?.value.repository !== repository || !found.value.pieces || found.value.isCancelled)
      throw new DistributionError('BLOB_UPLOAD_UNKNOWN', `there is no upload ${id}`);
    return { id, document: found.value, revision: found.revision };
  }

  /**
   * Takes bytes at the end of an upload. When the sender goes away in the middle, what has come is kept, and
   * the error thrown on; the sender may ask for the size and go on from there.
   */
  async append(session: Session, bytes: AsyncIterable<Uint8Array>): Promise<Session> {
    const digest = this.takeDigest(session.id);
    const to = { parts: this.state.parts, documents: this.documents, hashes: this.hashes, digest };
    const writer = new PartWriter(to, { ...session });
    let total = session.document.size;
    try {
      for await (const chunk of bytes) {
        total += chunk.length;
        if (total > this.limits.blobBytesMax)
          throw new DistributionError('SIZE_INVALID', `a blob has at most ${this.limits.blobBytesMax} bytes`);
        await writer.write(chunk);
      }
    } finally {
      await writer.flush();
      this.keepDigest(session.id, digest);
    }
    return writer.session;
  }

  /**
   * Makes the upload content under the digest, with the bytes given now as its last. Throws DIGEST_INVALID,
   * leaving nothing, when the digest is another. Returns its size in bytes.
   */
  async finish(session: Session, digest: string, last: AsyncIterable<Uint8Array>): Promise<number> {
    const small = session.document.size === 0 ? await collectSmall(last) : { rest: last };
    if ('bytes' in small) {
      const { bytes } = small;
      const right = digestIs(createHash(algorithmOf(digest)).update(bytes), digest);
      if (right) await this.content.adopt(digest, { size: bytes.length, inline: bytes.toString('base64') });
      await this.documents.remove(session.id);
      this.open.end(session.id);
      if (!right) throw wrongDigest(digest);
      return bytes.length;
    }
    const full = await this.append(session, small.rest);
    if (!(await this.isOf(full, digest))) {
      await this.cancel(full.id);
      throw wrongDigest(digest);
    }
    await this.commit(full, digest);
    return full.document.size;
  }

  /**
   * Forgets an upload and what it holds, unless it is becoming content just now. Of one that is being fed a mark
   * stays until {@link expire}: its writer learns of it, and what it stores until then is found.
   */
  async cancel(id: string): Promise<void> {
    let cancelled: UploadDocument | undefined;
    await this.documents.change(id, (now) => {
      cancelled = now?.committing === undefined ? now : undefined;
      if (!cancelled) return now;
      return cancelled.isFed ? { ...cancelled, isCancelled: true, updatedAt: Date.now() } : undefined;
    });
    this.digests.delete(id);
    if (cancelled && !cancelled.isFed) this.open.end(id);
    if (cancelled && hasParts(cancelled)) await this.state.parts.delete(id);
  }

  /** Lets go of what it holds. */
  close(): Promise<void> {
    return this.hashes.close();
  }

  ids(): Promise<string[]> {
    return this.documents.keys();
  }

  /** Forgets an upload that nobody has fed for a while; what it became, if anything, stays. */
  async expire(
    id: string,
    { ageMsMin, now = Date.now() }: { ageMsMin: number; now?: number },
  ): Promise<boolean> {
    const found = await this.documents.get(id);
    if (!found || now - found.value.updatedAt < ageMsMin) return false;
    const { committing } = found.value;
    const content = committing === undefined ? undefined : await this.content.find(committing);
    try {
      await this.documents.delete(id, found.revision);
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
    this.open.end(id);
    if (!found.value.pieces) return true;
    if (content?.value.owner === id) await this.settleParts(id, found.value);
    else await this.state.parts.delete(id);
    return true;
  }

  private async commit(session: Session, digest: string): Promise<void> {
    const { id, document } = session;
    const committing = { ...document, committing: digest, updatedAt: Date.now() };
    const revision = await this.documents.update(id, committing, session.revision);
    const { size, pieces } = document;
    if (await this.content.adopt(digest, { size, owner: id, pieces })) await this.settleParts(id, committing);
    else await this.state.parts.delete(id);
    await this.documents.delete(id, revision);
    this.open.end(id);
  }

  /** The upload has become content: what it has is complete. */
  private async settleParts(id: string, document: UploadDocument): Promise<void> {
    const { pieces, size, committing: digest = '' } = document;
    if (hasStrays(document)) await this.state.parts.sweep(id, new Set(pieces.map(([name]) => name)));
    await this.state.parts.seal(id, { digest, sizeBytes: size, parts: pieces.length });
  }

  /** Whether what has come is what the digest says. */
  private async isOf({ id, document }: Session, digest: string): Promise<boolean> {
    const { size, pieces } = document;
    const algorithm = algorithmOf(digest);
    const hex = await this.hashes.end(this.takeDigest(id), { algorithm, size }).catch(() => undefined);
    if (hex !== undefined) return `${algorithm}:${hex}` === digest;
    const hash = createHash(algorithm);
    const range = { start: 0, end: size };
    for await (const piece of this.content.readRange({ size, owner: id, pieces, touchedAt: 0 }, range))
      hash.update(piece);
    return digestIs(hash, digest);
  }

  /** A new one, which has seen nothing, when none is known. */
  private takeDigest(id: string): string {
    const digest = this.digests.get(id) ?? randomUUID();
    this.digests.delete(id);
    return digest;
  }

  private keepDigest(id: string, digest: string): void {
    this.digests.set(id, digest);
    const [oldest] = this.digests.keys();
    if (this.digests.size > digestsMax && oldest !== undefined) this.digests.delete(oldest);
  }
}

const hasStrays = (document: UploadDocument): boolean =>
  document.hasStrays === true || document.isFed === true;
const hasParts = (document: UploadDocument): boolean => document.pieces.length > 0 || hasStrays(document);

const wrongDigest = (digest: string): DistributionError =>
  new DistributionError('DIGEST_INVALID', `the content is not ${digest}`);

/** The bytes, when they are few; else the same stream from its start. */
async function collectSmall(
  source: AsyncIterable<Uint8Array>,
): Promise<{ bytes: Buffer } | { rest: AsyncIterable<Uint8Array> }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const iterator = source[Symbol.asyncIterator]();
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    chunks.push(next.value);
    size += next.value.length;
    if (size > inlineBytesMax) return { rest: chain(chunks, iterator) };
  }
  return { bytes: Buffer.concat(chunks) };
}

async function* chain(first: Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
