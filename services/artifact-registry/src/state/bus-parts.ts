import { randomUUID, webcrypto } from 'node:crypto';
import { cannot, L3afError } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';
import { checkedPart } from './checked-part';
import type { PartReference, Parts } from './state';

/** The client can do direct gets, which its types leave out. */
interface DirectGet {
  direct: { getMessage(stream: string, query: { last_by_subj: string }): Promise<{ data: Uint8Array }> };
}
type Jsm = Awaited<ReturnType<Bus['nc']['jetstreamManager']>>;

const attemptsMax = 3;
const patienceMs = 5_000;
/** Room for the headers of a message. */
const headerBytes = 64 * 1024;
const chunkBytesMax = 768 * 1024;

/**
 * Parts as objects of one chunk in a JetStream object store bucket, so that any NATS tool reads them. Written
 * and read here by single messages: the client's own object calls hash in JavaScript and make a consumer for
 * each read, which takes a tenth of the speed.
 */
export class BusParts implements Parts {
  readonly bytesMax: number;
  private jsm: Promise<Jsm> | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly bucket: string,
  ) {
    this.bytesMax = Math.min(chunkBytesMax, (bus.nc.info?.max_payload ?? 1024 * 1024) - headerBytes);
  }

  newName(): string {
    return randomUUID();
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.manager();
    const js = this.bus.nc.jetstream();
    const meta = {
      name,
      bucket: this.bucket,
      nuid: name,
      size: bytes.length,
      chunks: 1,
      digest: `SHA-256=${padded(await sha256(bytes))}`,
      mtime: new Date().toISOString(),
    };
    await this.patiently('store', name, () =>
      Promise.all([
        js.publish(this.chunkSubject(name), bytes),
        js.publish(this.metaSubject(name), JSON.stringify(meta)),
      ]),
    );
  }

  async get(part: PartReference): Promise<Uint8Array> {
    const { name } = part;
    const jsm = (await this.manager()) as unknown as DirectGet;
    const query = { last_by_subj: this.chunkSubject(name) };
    const { data } = await this.patiently('read', name, () => jsm.direct.getMessage(this.stream, query));
    return checkedPart(part, data);
  }

  async delete(name: string): Promise<void> {
    const jsm = await this.manager();
    for (const filter of [this.chunkSubject(name), this.metaSubject(name)])
      await this.patiently('delete', name, () => jsm.streams.purge(this.stream, { filter }));
  }

  private get stream(): string {
    return `OBJ_${this.bucket}`;
  }
  private chunkSubject(name: string): string {
    return `$O.${this.bucket}.C.${name}`;
  }
  private metaSubject(name: string): string {
    return `$O.${this.bucket}.M.${Buffer.from(name).toString('base64url')}`;
  }

  /** The first look makes the bucket. */
  private manager(): Promise<Jsm> {
    this.jsm ??= this.bus
      .objects(this.bucket)
      .has('bucket')
      .then(() => this.bus.nc.jetstreamManager());
    this.jsm.catch(() => (this.jsm = undefined));
    return this.jsm;
  }

  /** All of it may be repeated: a part stored twice is the same part. */
  private async patiently<T>(verb: string, name: string, attempt: () => Promise<T>): Promise<T> {
    for (let count = 1; ; count++) {
      try {
        await this.bus.link.connected({ deadline: Date.now() + patienceMs });
        return await attempt();
      } catch (cause) {
        const missing = (cause as { code?: unknown }).code === '404';
        if (!missing && count < attemptsMax) continue;
        const state = missing ? 'there is none' : 'NATS does not answer';
        throw new L3afError(
          missing ? 'digest-mismatch' : 'bus-unavailable',
          cannot(verb, 'part', `${this.bucket}/${name}`, state),
          { cause },
        );
      }
    }
  }
}

/** On another thread: this one has enough to do. */
const sha256 = async (bytes: Uint8Array): Promise<Buffer> =>
  Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));

/** NATS writes digests in the URL's alphabet, and with padding. */
const padded = (digest: Buffer): string => `${digest.toString('base64url')}=`;
