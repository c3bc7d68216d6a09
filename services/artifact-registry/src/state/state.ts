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

/** A piece of content that has a name and is not stored yet. */
export interface PlannedPart {
  name: string;
  store(): Promise<void>;
}

/** Pieces of content, at most {@link partBytesMax} each. No two plans have the same name, whatever they hold. */
export interface Parts {
  plan(bytes: Uint8Array): PlannedPart;
  get(name: string): Promise<Uint8Array>;
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

/** Content is cut into parts of this size: what one upload or download holds in memory is a small multiple of it. */
export const partBytesMax = 2 * 1024 * 1024;
