import { addressOf, structure } from '../sys/attributes';
import { bpfCall } from '../sys/libc';

const commandBtfLoad = 18;
let loaded: { fd: number; functionTypeId: number } | undefined;

/** The smallest BTF with a static function that returns an int: 1 = int, 2 = prototype, 3 = function. */
export function smallestBtf(): Buffer {
  const strings = Buffer.from('\0int\0kf\0');
  const info = (kind: number, more = 0): number => ((kind << 24) | more) >>> 0;
  const words = [
    [1, info(1), 4, (1 << 24) | 32], // signed, 32 bits
    [0, info(13), 1], // returns type 1, no parameters
    [5, info(12), 2],
  ].flat();
  const types = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => types.writeUInt32LE(word >>> 0, index * 4));
  const head = structure(24, [
    { at: 0, u32: 0xeb9f | (1 << 16) },
    { at: 4, u32: 24 },
    { at: 8, u32: 0 },
    { at: 12, u32: types.length },
    { at: 16, u32: types.length },
    { at: 20, u32: strings.length },
  ]);
  return Buffer.concat([head, types, strings]);
}

/** Loaded once; the descriptor stays open for the life of the process. */
export function syntheticBtf(): { fd: number; functionTypeId: number } {
  if (loaded) return loaded;
  const bytes = smallestBtf();
  const attributes = structure(28, [
    { at: 0, u64: addressOf(bytes) },
    { at: 16, u32: bytes.length },
  ]);
  loaded = { fd: bpfCall('BPF_BTF_LOAD', commandBtfLoad, attributes), functionTypeId: 3 };
  return loaded;
}
