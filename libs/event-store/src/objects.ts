import { createHash, randomUUID } from 'node:crypto';
import { cannot, L3afError, type ObjectReference } from '@l3af/contracts';
import { StorageType, type ObjectInfo, type ObjectStore } from 'nats';
import type { BusParts } from './bus';
import { withPatience } from './retry';

/** How long one object operation keeps trying while NATS is away. */
const timeoutMs = 15_000;

/** Objects named by the sha256 of their content (`sha256:…`), in a JetStream object store bucket. */
export class ObjectBucket {
  private opened: Promise<ObjectStore> | undefined;

  constructor(
    private readonly parts: BusParts,
    readonly bucket: string,
  ) {}

  /** Stores bytes, once: the same content again is the same object. A stream is stored as it comes, then named. */
  async put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<ObjectReference> {
    if (!(content instanceof Uint8Array)) return this.putStream(content);
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const reference = { bucket: this.bucket, digest, sizeBytes: content.length };
    if (await this.has(digest)) return reference;
    await this.patiently('put', digest, async (store) =>
      store.putBlob({ name: digest }, content, { timeout: 5_000 }),
    );
    return reference;
  }

  /** The whole object, checked against its digest. */
  async get(digest: string): Promise<Uint8Array> {
    const bytes = await this.patiently('get', digest, (store) => store.getBlob(digest));
    if (!bytes) throw this.missing(digest);
    const actual = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (actual !== digest) throw this.damaged(digest, actual);
    return bytes;
  }

  /** The object in chunks; the digest is checked at the end, so a reader must not trust it before the end. */
  async *stream(digest: string): AsyncGenerator<Uint8Array> {
    const found = await this.patiently('get', digest, (store) => store.get(digest));
    if (!found) throw this.missing(digest);
    const hash = createHash('sha256');
    for await (const chunk of found.data as unknown as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      yield chunk;
    }
    const error = await found.error;
    if (error) throw this.damaged(digest, error.message);
    const actual = `sha256:${hash.digest('hex')}`;
    if (actual !== digest) throw this.damaged(digest, actual);
  }

  async has(digest: string): Promise<boolean> {
    return (await this.info(digest)) !== undefined;
  }

  /** Size in bytes, or undefined when there is no such object. */
  async size(digest: string): Promise<number | undefined> {
    return (await this.info(digest))?.size;
  }

  /** Deletes an object; one that is not there is fine. */
  async delete(digest: string): Promise<void> {
    if (!(await this.has(digest))) return;
    await this.patiently('delete', digest, (store) => store.delete(digest));
  }

  private async info(digest: string): Promise<ObjectInfo | undefined> {
    const info = await this.patiently('look up', digest, (store) => store.info(digest));
    return info && !info.deleted ? info : undefined;
  }

  private async putStream(content: AsyncIterable<Uint8Array>): Promise<ObjectReference> {
    const store = await this.open();
    const name = `upload:${randomUUID()}`;
    const hash = createHash('sha256');
    let sizeBytes = 0;
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const chunk of content) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        yield chunk;
      }
    }
    await store.put({ name }, ReadableStream.from(hashed()), { timeout: 5_000 });
    const digest = `sha256:${hash.digest('hex')}`;
    const known = await this.has(digest);
    if (known) await store.delete(name);
    else await this.patiently('put', digest, async () => store.update(name, { name: digest }));
    return { bucket: this.bucket, digest, sizeBytes };
  }

  private async patiently<T>(
    verb: string,
    digest: string,
    attempt: (store: ObjectStore) => Promise<T>,
  ): Promise<T> {
    const doing = { verb, noun: 'object', value: `${this.bucket}/${digest}`, timeoutMs };
    return withPatience(this.parts.link, doing, async () => attempt(await this.open()));
  }

  private async open(): Promise<ObjectStore> {
    this.opened ??= this.parts.js.views.os(this.bucket, { storage: StorageType.File });
    try {
      return await this.opened;
    } catch (error) {
      this.opened = undefined;
      throw error;
    }
  }

  private missing(digest: string): L3afError {
    return new L3afError(
      'digest-mismatch',
      cannot('get', 'object', `${this.bucket}/${digest}`, 'there is none'),
    );
  }

  private damaged(digest: string, actual: string): L3afError {
    const state = `its content is ${actual}`;
    return new L3afError('digest-mismatch', cannot('get', 'object', `${this.bucket}/${digest}`, state));
  }
}
