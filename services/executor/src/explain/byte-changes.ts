export interface ByteChange {
  offset: number;
  /** Hex. */
  before: string;
  after: string;
}

/** The runs of bytes in which two packets differ, as far as both reach. */
export function byteChanges(before: Uint8Array, after: Uint8Array): ByteChange[] {
  const changes: ByteChange[] = [];
  const common = Math.min(before.length, after.length);
  for (let offset = 0; offset < common;) {
    const start = offset;
    while (offset < common && before[offset] !== after[offset]) offset++;
    if (offset > start)
      changes.push({ offset: start, before: hex(before, start, offset), after: hex(after, start, offset) });
    else offset++;
  }
  return changes;
}

const hex = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString('hex');
