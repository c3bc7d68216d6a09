import { randomUUID } from 'node:crypto';
import { cannot, L3afError } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';
import { passed } from '../young-garbage';
import { checkedPart } from './checked-parts';
import type { PartReference, Parts, Sealed } from './state';

type Query = { last_by_subj: string } | { seq: number; next_by_subj?: string };
/** The client can do direct gets, which its types leave out. */
interface DirectGet {
  direct: { getMessage(stream: string, query: Query): Promise<{ data: Uint8Array; seq: number }> };
}
type Jsm = Awaited<ReturnType<Bus['nc']['jetstreamManager']>> & DirectGet;

const attemptsMax = 3;
const patienceMs = 5_000;
/** Room for the headers of a message. */
const headerBytes = 64 * 1024;
const chunkBytesMax = 768 * 1024;

/**
 * Parts as the chunks of objects in a JetStream object store bucket, an object per owner, so that any NATS tool
 * reads them. Written and read here by single messages, which are named by their sequence in the stream: the
 * client's own object calls hash in JavaScript and make a consumer for each read, which takes a tenth of the speed.
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

  newOwner(): string {
    return randomUUID();
  }

  async put(owner: string, bytes: Uint8Array): Promise<string> {
    await this.manager();
    const js = this.bus.nc.jetstream();
    const subject = this.chunkSubject(owner);
    // Named, so that a chunk whose acknowledgement was lost is not stored twice.
    const msgID = randomUUID();
    const { seq } = await this.patiently('store', owner, () => js.publish(subject, bytes, { msgID }));
    return String(seq);
  }

  async get(part: PartReference, into?: Buffer): Promise<Uint8Array> {
    const { direct } = await this.manager();
    const [owner = '', piece] = part.name.split('/');
    const query = piece === undefined ? { last_by_subj: this.chunkSubject(owner) } : { seq: Number(piece) };
    const { data } = await this.patiently('read', part.name, () => direct.getMessage(this.stream, query));
    checkedPart(part, data);
    // The client puts it together in memory that it doubles as it goes.
    passed(3 * data.length);
    if (!into || into.length < data.length) return data;
    // The client's memory is garbage at once, which costs little; kept until a slow reader has it, it would grow old.
    into.set(data);
    return into.subarray(0, data.length);
  }

  /** Writes what makes the chunks an object for other tools; they know SHA-256 alone. */
  async seal(owner: string, { digest, sizeBytes, parts }: Sealed): Promise<void> {
    const [algorithm, hex = ''] = digest.split(':');
    if (algorithm !== 'sha256') return;
    const meta = {
      name: owner,
      description: digest,
      bucket: this.bucket,
      nuid: owner,
      size: sizeBytes,
      chunks: parts,
      // In the URL's alphabet, and with padding.
      digest: `SHA-256=${Buffer.from(hex, 'hex').toString('base64url')}=`,
      mtime: new Date().toISOString(),
    };
    const js = this.bus.nc.jetstream();
    await this.patiently('seal', owner, () => js.publish(this.metaSubject(owner), JSON.stringify(meta)));
  }

  async sweep(owner: string, keep: ReadonlySet<string>): Promise<void> {
    const jsm = await this.manager();
    const subject = this.chunkSubject(owner);
    for (let seq = 1; ; seq++) {
      const query = { seq, next_by_subj: subject };
      const found = await this.patiently('read', owner, () =>
        jsm.direct.getMessage(this.stream, query).catch(unlessMissing),
      );
      if (!found) return;
      seq = found.seq;
      if (keep.has(String(seq))) continue;
      await this.patiently('delete', owner, () => jsm.streams.deleteMessage(this.stream, found.seq, false));
    }
  }

  async delete(owner: string): Promise<void> {
    const jsm = await this.manager();
    for (const filter of [this.chunkSubject(owner), this.metaSubject(owner)])
      await this.patiently('delete', owner, () => jsm.streams.purge(this.stream, { filter }));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private get stream(): string {
    return `OBJ_${this.bucket}`;
  }
  private chunkSubject(owner: string): string {
    return `$O.${this.bucket}.C.${owner}`;
  }
  private metaSubject(owner: string): string {
    return `$O.${this.bucket}.M.${Buffer.from(owner).toString('base64url')}`;
  }

  /** The first look makes the bucket. */
  private manager(): Promise<Jsm> {
    this.jsm ??= this.bus
      .objects(this.bucket)
      .has('bucket')
      .then(() => this.bus.nc.jetstreamManager() as unknown as Promise<Jsm>);
    this.jsm.catch(() => (this.jsm = undefined));
    return this.jsm;
  }

  /** All of it may be repeated. */
  private async patiently<T>(verb: string, name: string, attempt: () => Promise<T>): Promise<T> {
    for (let count = 1; ; count++) {
      try {
        await this.bus.link.connected({ deadline: Date.now() + patienceMs });
        return await attempt();
      } catch (cause) {
        const missing = isMissing(cause);
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

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === '404';

function unlessMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
