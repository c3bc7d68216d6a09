import koffi from 'koffi';

const pointees = Symbol('pointees');

/**
 * Writes the address of a buffer into a structure, and has the structure hold the buffer. A variable does not: optimized code lets go of it
 * after its last use, and the kernel would read memory that was freed between here and the system call.
 */
export function pointTo(structure: Buffer, at: number, buffer: Uint8Array | null): void {
  if (buffer === null || buffer.length === 0) return void structure.writeBigUInt64LE(0n, at);
  const holder: Buffer & { [pointees]?: Uint8Array[] } = structure;
  (holder[pointees] ??= []).push(buffer);
  structure.writeBigUInt64LE(koffi.address(buffer), at);
}

export interface Field {
  at: number;
  u32?: number;
  u64?: bigint;
  bytes?: Uint8Array;
  /** The address of these bytes; null or none: 0. They live as long as the structure. */
  pointer?: Uint8Array | null;
}

/** Builds a C structure from its fields; what is not named is zero. Little endian, as every supported CPU is. */
export function structure(bytes: number, fields: readonly Field[]): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (const field of fields) {
    if (field.u32 !== undefined) buffer.writeUInt32LE(field.u32 >>> 0, field.at);
    else if (field.u64 !== undefined) buffer.writeBigUInt64LE(BigInt.asUintN(64, field.u64), field.at);
    else if (field.bytes !== undefined) buffer.set(field.bytes, field.at);
    else if (field.pointer !== undefined) pointTo(buffer, field.at, field.pointer);
  }
  return buffer;
}
