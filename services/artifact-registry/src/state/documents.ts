import { L3afError } from '@l3af/contracts';
import type { Records } from './state';

/** A JSON document with its revision. */
export interface Document<T> {
  value: T;
  revision: number;
}

const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value), 'utf8');
const attemptsMax = 20;

export const isConflict = (error: unknown): boolean =>
  error instanceof L3afError && error.code === 'conflict';

/** The documents of one kind: JSON records under a common prefix, written only by this registry. */
export class Documents<T> {
  constructor(
    private readonly records: Records,
    readonly prefix: string,
  ) {}

  async get(key: string): Promise<Document<T> | undefined> {
    const record = await this.records.get(this.prefix + key);
    if (!record) return undefined;
    return { value: JSON.parse(Buffer.from(record.value).toString('utf8')) as T, revision: record.revision };
  }

  create(key: string, value: T): Promise<number> {
    return this.records.create(this.prefix + key, encode(value));
  }

  /** Creates a document unless there is one; says whether it did. */
  async createIfMissing(key: string, value: T): Promise<boolean> {
    try {
      await this.create(key, value);
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }

  update(key: string, value: T, revision: number): Promise<number> {
    return this.records.update(this.prefix + key, encode(value), revision);
  }

  delete(key: string, revision: number): Promise<void> {
    return this.records.delete(this.prefix + key, revision);
  }

  /** Deletes a document whatever it is now. */
  async remove(key: string): Promise<void> {
    await this.change(key, () => undefined);
  }

  /**
   * Loads the document, lets `decide` make the next one, and stores it if nobody was faster; else again.
   * The same object back: nothing is stored. `undefined`: it is deleted.
   */
  async change(key: string, decide: (now: T | undefined) => T | undefined): Promise<T | undefined> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.get(key);
      const next = decide(found?.value);
      if (next === found?.value) return next;
      try {
        if (next === undefined) await this.delete(key, found!.revision);
        else if (found) await this.update(key, next, found.revision);
        else await this.create(key, next);
        return next;
      } catch (error) {
        if (!isConflict(error) || attempt === attemptsMax) throw error;
        // A little patience, or many writers of one document would starve each other.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * attempt));
      }
    }
  }

  /** The keys of this kind, without the prefix. */
  async keys(): Promise<string[]> {
    const keys = await this.records.keys();
    return keys.filter((key) => key.startsWith(this.prefix)).map((key) => key.slice(this.prefix.length));
  }
}
