export interface WatchLoad {
  /** Such as `tcp and dst port 443`; docs/chains.md has the words. */
  match: string;
  /** How many packets to record. */
  packets: number;
}

/** What one program of a watched generation recorded of one packet. */
export interface WatchRecord {
  /** The same in all records of a packet, and in those of no other. */
  packet: bigint;
  /** The KF's position; undefined: the packet as it came, before the first KF. */
  index: number | undefined;
  /** The kernel's number; 0 in the first record. */
  verdict: number;
  /** The KF's run; in the first record the time since boot. */
  nanoseconds: bigint;
  /** Of the whole packet, in bytes. */
  length: number;
  /** Its first bytes, at most 128. */
  bytes: Buffer;
}

/** What a watched generation records, as it comes. */
export interface Watch {
  /** Everything since the last call. A packet's records come one after the other, first the packet as it came. */
  read(): WatchRecord[];
  /** Records that found no room, because nobody read for too long. */
  lost(): number;
  close(): void;
  [Symbol.dispose](): void;
}
