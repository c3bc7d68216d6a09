import koffi from 'koffi';

/** Address of a buffer for a field of `union bpf_attr`. The caller keeps the buffer referenced over the call. */
export function addressOf(buffer: Uint8Array | null): bigint {
  return buffer === null || buffer.length === 0 ? 0n : koffi.address(buffer);
}

export interface Field {
  at: number;
  u32?: number;
  u64?: bigint;
  bytes?: Uint8Array;
}

/** Builds a C structure from its fields; what is not named is zero. Little endian, as every supported CPU is. */
export function structure(bytes: number, fields: readonly Field[]): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (const field of fields) {
    if (field.u32 !== undefined) buffer.writeUInt32LE(field.u32 >>> 0, field.at);
    else if (field.u64 !== undefined) buffer.writeBigUInt64LE(BigInt.asUintN(64, field.u64), field.at);
    else if (field.bytes !== undefined) buffer.set(field.bytes, field.at);
  }
  return buffer;
}
