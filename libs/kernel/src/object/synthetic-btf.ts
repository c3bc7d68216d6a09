import { structure } from '../sys/attributes';
import { bpfCall } from '../sys/libc';

const commandBtfLoad = 18;
let loaded: { fd: number; functionTypeId: number } | undefined;

/** BTF with these types, each a list of 32-bit words, and these strings. */
export function encodeBtf(types: readonly (readonly number[])[], strings: Buffer): Buffer {
  const words = types.flat();
  const body = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => body.writeUInt32LE(word >>> 0, index * 4));
  const head = structure(24, [
    { at: 0, u32: 0xeb9f | (1 << 16) },
    { at: 4, u32: 24 },
    { at: 8, u32: 0 },
    { at: 12, u32: body.length },
    { at: 16, u32: body.length },
    { at: 20, u32: strings.length },
  ]);
  return Buffer.concat([head, body, strings]);
}

/** The second word of a type: its kind, and how many members or which linkage it has. */
export const btfInfo = (kind: number, more = 0): number => ((kind << 24) | more) >>> 0;

/** Gives BTF to the kernel. The caller closes the descriptor. */
export function loadBtf(bytes: Buffer): number {
  const attributes = structure(28, [
    { at: 0, pointer: bytes },
    { at: 16, u32: bytes.length },
  ]);
  return bpfCall('BPF_BTF_LOAD', commandBtfLoad, attributes);
}

/** The smallest BTF with a static function that returns an int: 1 = int, 2 = prototype, 3 = function. */
export function smallestBtf(): Buffer {
  const types = [
    [1, btfInfo(1), 4, (1 << 24) | 32], // signed, 32 bits
    [0, btfInfo(13), 1], // returns type 1, no parameters
    [5, btfInfo(12), 2],
  ];
  return encodeBtf(types, Buffer.from('\0int\0kf\0'));
}

/** Loaded once; the descriptor stays open for the life of the process. */
export function syntheticBtf(): { fd: number; functionTypeId: number } {
  loaded ??= { fd: loadBtf(smallestBtf()), functionTypeId: 3 };
  return loaded;
}
