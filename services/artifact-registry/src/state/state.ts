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
  /** `OWNER/PIECE`. */
  name: string;
  size: number;
  crc32: number;
}

/** What is sealed: everything that an owner has, as other tools may want to know it. */
export interface Sealed {
  digest: string;
  sizeBytes: number;
  parts: number;
}

/**
 * Pieces of content. All belong to an owner, one upload's worth, which nobody else has: they are deleted together,
 * and whoever knows the owner can find what a killed process left.
 */
export interface Parts {
  /** What one upload or download holds in memory is a small multiple of it. */
  readonly bytesMax: number;
  newOwner(): string;
  /** Stores bytes, which may be overwritten once it has returned; their name within the owner, new each time. */
  put(owner: string, bytes: Uint8Array): Promise<string>;
  /** The part, checked; throws `digest-mismatch` when it is not what it was. May use `into`, of `bytesMax`. */
  get(part: PartReference, into?: Buffer): Promise<Uint8Array>;
  /** Nothing comes after this. */
  seal(owner: string, sealed: Sealed): Promise<void>;
  /** Deletes what the owner has except these. */
  sweep(owner: string, keep: ReadonlySet<string>): Promise<void>;
  /** Deletes all that the owner has; nothing there is fine. */
  delete(owner: string): Promise<void>;
  /** Lets go of what it holds open. */
  close(): Promise<void>;
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
