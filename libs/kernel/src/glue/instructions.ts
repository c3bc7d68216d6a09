import { helper, instructionBytes, op, pseudo } from './assembler';

/** One decoded instruction of a KF, `index` in instructions from its start. */
export interface Decoded {
  index: number;
  code: number;
  dst: number;
  src: number;
  off: number;
  imm: number;
}

/** Decodes instructions; the second slot of a 64-bit load is skipped. */
export function* decode(instructions: Buffer): Generator<Decoded> {
  for (let at = 0; at + instructionBytes <= instructions.length; at += instructionBytes) {
    const code = instructions.readUInt8(at);
    const registers = instructions.readUInt8(at + 1);
    yield {
      index: at / instructionBytes,
      code,
      dst: registers & 15,
      src: registers >> 4,
      off: instructions.readInt16LE(at + 2),
      imm: instructions.readInt32LE(at + 4),
    };
    if (code === op.loadImm64) at += instructionBytes;
  }
}

const isSubprogramCall = (one: Decoded): boolean => one.code === op.call && one.src === pseudo.call;
const isFunctionReference = (one: Decoded): boolean =>
  one.code === op.loadImm64 && one.src === pseudo.function;

/** What decides how a KF can be chained. */
export interface KfShape {
  /** Instructions of the entry function; subprograms follow it. */
  entryLength: number;
  subprogramStarts: number[];
  exits: number[];
  /** Places where the KF tail-calls by itself. */
  ownTailCalls: number;
  /** Legacy packet loads leave the program by themselves when the packet is too short. */
  legacyLoads: boolean;
  /** Lowest byte of the entry's stack that the code names, at most 0; a guess that the verifier checks. */
  stackLow: number;
}

export function shapeOf(instructions: Buffer): KfShape {
  const all = [...decode(instructions)];
  const starts = new Set<number>();
  for (const one of all) {
    if (isSubprogramCall(one) || isFunctionReference(one)) starts.add(one.index + one.imm + 1);
  }
  const subprogramStarts = [...starts].filter((start) => start > 0).sort((a, b) => a - b);
  const entryLength = subprogramStarts[0] ?? instructions.length / instructionBytes;
  const entry = all.filter((one) => one.index < entryLength);
  return {
    entryLength,
    subprogramStarts,
    exits: entry.filter((one) => one.code === op.exit).map((one) => one.index),
    ownTailCalls: all.filter((one) => one.code === op.call && one.src === 0 && one.imm === helper.tailCall)
      .length,
    legacyLoads: all.some((one) => isLegacyLoad(one.code)),
    stackLow: Math.min(0, ...entry.map(stackOffset)),
  };
}

/** BPF_LD | BPF_ABS or BPF_IND of any width. */
function isLegacyLoad(code: number): boolean {
  const [classMask, classLoad, modeMask, absolute, indirect] = [0x07, 0x00, 0xe0, 0x20, 0x40];
  const mode = code & modeMask;
  return (code & classMask) === classLoad && (mode === absolute || mode === indirect);
}

const frameBytesMax = 512;
function stackOffset(one: Decoded): number {
  const loadClass = 0x01;
  const storeClasses = [0x02, 0x03];
  const kind = one.code & 0x07;
  if (storeClasses.includes(kind) && one.dst === 10) return one.off;
  if (kind === loadClass && one.src === 10) return one.off;
  const mayBeStack = one.code === op.add64Imm && one.imm < 0 && one.imm >= -frameBytesMax;
  return mayBeStack ? one.imm : 0;
}
