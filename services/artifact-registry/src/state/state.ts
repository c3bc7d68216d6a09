/** A small document with the revision it was read at, for compare-and-set. */
export interface StateRecord {
  value: Uint8Array;
  revision: number;
}

/**
 * Small documents by key, shared by every registry process. What a call has stored survives `kill -9`.
 * `create`, `update` and `delete` throw `conflict` when someone else was faster; now and then they do so
 * although they have stored (their writer was overtaken at once), so what they do must bear repeating.
 */
export interface Records {
  get(key: string): Promise<StateRecord | undefined>;
  create(key: string, value: Uint8Array): Promise<number>;
  update(key: string, value: Uint8Array, revision: number): Promise<number>;
  delete(key: string, revision: number): Promise<void>;
  /** All keys, in order. */
  keys(): Promise<string[]>;
}

/** A part with what it is checked by. */
export interface PartReference {
  name: string;
  size: number;
  crc32: number;
}

/** Pieces of content. A piece belongs to one owner from its name on: no two have the same, whatever they hold. */
export interface Parts {
  /** What one upload or download holds in memory is a small multiple of it. */
  readonly bytesMax: number;
  newName(): string;
  /** The bytes may be overwritten once it has returned. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** The part, checked; throws `digest-mismatch` when it is not what it was. May use `into`, of `bytesMax`. */
  get(part: PartReference, into?: Buffer<ArrayBuffer>): Promise<Uint8Array>;
  /** Deletes a part; one that is not there is fine. */
  delete(name: string): Promise<void>;
}

/** Where a registry keeps everything. */
export interface RegistryState {
  records: Records;
  /** Of uploads under way; may forget what has not changed for weeks. */
  uploads: Records;
  parts: Parts;
  /** Throws when the state cannot be read now. */
  check(): Promise<void>;
}
