import { decodeToken, encodeToken } from '@l3af/contracts';
import type { KV, KvEntry } from 'nats';
import type { BusParts } from './bus';
import { withPatience } from './retry';

export interface KeyValueOptions {
  /** Values kept per key, 1 to 64; default 1. */
  history?: number;
  /** Keys are forgotten after this; default never. */
  ttlMs?: number;
}

export interface KeyValueEntry {
  key: string;
  value: Uint8Array;
  /** For compare-and-set. */
  revision: number;
  at: Date;
  deleted: boolean;
}

// KV keys know no percent sign; `=` is what takes its place. Any text is a valid key.
const encodeKey = (key: string): string => encodeToken(key).replaceAll('%', '=');
const decodeKey = (key: string): string => decodeToken(key.replaceAll('=', '%'));

/** A JetStream key-value bucket. Keys are any non-empty text. */
export class KeyValueBucket {
  private opened: Promise<KV> | undefined;

  constructor(
    private readonly parts: BusParts,
    readonly bucket: string,
    private readonly options: KeyValueOptions,
  ) {}

  /** The entry of a key; undefined when there is none or it was deleted. */
  async get(key: string): Promise<KeyValueEntry | undefined> {
    const entry = await this.patiently('get', key, (kv) => kv.get(encodeKey(key)));
    return entry && entry.operation === 'PUT' ? entryOf(entry) : undefined;
  }

  /** Sets a key whatever it is now. Returns the new revision. */
  put(key: string, value: Uint8Array | string): Promise<number> {
    return this.patiently('put', key, (kv) => kv.put(encodeKey(key), value));
  }

  /** Sets a key that must not exist (or be deleted); else `conflict`. */
  create(key: string, value: Uint8Array | string): Promise<number> {
    return this.patiently('create', key, (kv) => kv.create(encodeKey(key), value));
  }

  /** Sets a key that must be at a revision; else `conflict`. */
  update(key: string, value: Uint8Array | string, revision: number): Promise<number> {
    return this.patiently('update', key, (kv) => kv.update(encodeKey(key), value, revision));
  }

  /** Deletes a key, only at a revision when given. */
  delete(key: string, revision?: number): Promise<void> {
    const options = revision === undefined ? {} : { previousSeq: revision };
    return this.patiently('delete', key, (kv) => kv.delete(encodeKey(key), options));
  }

  /** All keys that exist. */
  async keys(): Promise<string[]> {
    return this.patiently('list', '*', async (kv) => {
      const keys: string[] = [];
      for await (const key of await kv.keys()) keys.push(decodeKey(key));
      return keys.sort();
    });
  }

  /** What a key was, oldest first, as far as the bucket's history goes. */
  async history(key: string): Promise<KeyValueEntry[]> {
    return this.patiently('read', key, async (kv) => {
      const entries: KeyValueEntry[] = [];
      for await (const entry of await kv.history({ key: encodeKey(key) })) entries.push(entryOf(entry));
      return entries;
    });
  }

  /** Every key's entry, then every change, until the signal; made again after an outage (entries then repeat). */
  async *watch(options: { key?: string; signal: AbortSignal }): AsyncGenerator<KeyValueEntry> {
    while (!options.signal.aborted) {
      const session = await this.parts.link.connected({ signal: options.signal });
      const entries = await this.patiently('watch', options.key ?? '*', (kv) =>
        kv.watch(options.key === undefined ? {} : { key: encodeKey(options.key) }),
      );
      const stop = (): void => entries.stop();
      for (const signal of [session, options.signal]) signal.addEventListener('abort', stop);
      try {
        for await (const entry of entries) yield entryOf(entry);
      } finally {
        for (const signal of [session, options.signal]) signal.removeEventListener('abort', stop);
        stop();
      }
    }
  }

  private patiently<T>(verb: string, key: string, attempt: (kv: KV) => Promise<T>): Promise<T> {
    const doing = { verb, noun: 'key', value: `${this.bucket}/${key}` };
    return withPatience(this.parts.link, doing, async () => attempt(await this.open()));
  }

  private async open(): Promise<KV> {
    const { history = 1, ttlMs } = this.options;
    this.opened ??= this.parts.js.views.kv(this.bucket, {
      history,
      ...(ttlMs !== undefined && { ttl: ttlMs }),
    });
    try {
      return await this.opened;
    } catch (error) {
      this.opened = undefined;
      throw error;
    }
  }
}

function entryOf(entry: KvEntry): KeyValueEntry {
  return {
    key: decodeKey(entry.key),
    value: entry.value,
    revision: entry.revision,
    at: entry.created,
    deleted: entry.operation !== 'PUT',
  };
}
