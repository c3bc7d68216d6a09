import { encode, instructionBytes, op, pseudo } from './assembler';
import { callingGlue, epilogue, prologue, type GluePlan } from './glue';
import { decode, type KfShape } from './instructions';
import { timerStackBytes } from './timer-glue';

/** A KF with its glue, and how its function and line records move. */
export interface PlacedKf {
  kind: 'epilogue' | 'calling';
  instructions: Buffer;
  /** Where the instruction at `index` of the KF is now. */
  moved(index: number): number;
  /** True when the glue is a function of its own, so that it needs records of its own at instruction 0. */
  needsOwnRecord: boolean;
}

/** The glue in front of the KF as a block: everything in the KF is relative, so moving it changes nothing. */
export function placeCalling(kf: Buffer, plan: GluePlan): PlacedKf {
  const glue = callingGlue(plan);
  const shift = glue.length / instructionBytes;
  return {
    kind: 'calling',
    instructions: Buffer.concat([glue, kf]),
    moved: (index) => index + shift,
    needsOwnRecord: true,
  };
}

const stackBytesMax = 512;
const jumpMax = 32_000;

/** The stack slot for the context below everything the KF's entry names; undefined when there is no room. */
export function contextSlot(shape: KfShape, timed = false): number | undefined {
  const slot = Math.floor(shape.stackLow / 8) * 8 - 8;
  return slot - (timed ? timerStackBytes : 0) < -stackBytesMax ? undefined : slot;
}

/**
 * The glue in place of the entry's exits: cheaper than a call. Undefined where it would be wrong: a KF that tail-calls
 * by itself never reaches the epilogue when its call succeeds, and a legacy packet load exits past it.
 */
export function placeEpilogue(kf: Buffer, shape: KfShape, plan: GluePlan): PlacedKf | undefined {
  const slot = contextSlot(shape, plan.timed);
  if (slot === undefined || shape.ownTailCalls > 0 || shape.legacyLoads) return undefined;
  if (shape.entryLength > jumpMax) return undefined;
  const body = Buffer.from(kf);
  for (const index of shape.exits) {
    encode({ code: op.jump, off: shape.entryLength - index - 1 }, body, index * instructionBytes);
  }
  const head = prologue(plan, slot);
  const headLength = head.length / instructionBytes;
  const tail = epilogue(plan, slot);
  const tailLength = tail.length / instructionBytes;
  stretchReferences(body, shape, tailLength);
  const entryBytes = shape.entryLength * instructionBytes;
  return {
    kind: 'epilogue',
    instructions: Buffer.concat([head, body.subarray(0, entryBytes), tail, body.subarray(entryBytes)]),
    moved: (index) => index + headLength + (index < shape.entryLength ? 0 : tailLength),
    needsOwnRecord: false,
  };
}

/** Calls and function references from the entry to subprograms now cross the epilogue; backward ones cross it back. */
function stretchReferences(body: Buffer, shape: KfShape, tailLength: number): void {
  for (const one of decode(body)) {
    const isReference =
      (one.code === op.call && one.src === pseudo.call) ||
      (one.code === op.loadImm64 && one.src === pseudo.function);
    if (!isReference) continue;
    const target = one.index + one.imm + 1;
    const fromEntry = one.index < shape.entryLength;
    const toEntry = target < shape.entryLength;
    if (fromEntry === toEntry) continue;
    body.writeInt32LE(one.imm + (fromEntry ? tailLength : -tailLength), one.index * instructionBytes + 4);
  }
}

export interface CodeRecords {
  count: number;
  recordBytes: number;
  bytes: Buffer;
}

/**
 * Moves BTF function or line records along with the code. Each record starts with its instruction's offset; the first
 * one belongs to the entry. Where the glue is a function of its own it gets a copy of the entry's record;
 * otherwise the entry's record stays at instruction 0.
 */
export function moveRecords(records: CodeRecords, placed: PlacedKf): CodeRecords {
  if (records.count === 0) return records;
  const { recordBytes, count } = records;
  const bytes = Buffer.from(records.bytes.subarray(0, recordBytes * count));
  for (let index = 0; index < count; index++) {
    const at = index * recordBytes;
    const offset = bytes.readUInt32LE(at);
    const staysFirst = offset === 0 && !placed.needsOwnRecord;
    bytes.writeUInt32LE(staysFirst ? 0 : placed.moved(offset), at);
  }
  if (!placed.needsOwnRecord) return { count, recordBytes, bytes };
  const first = Buffer.from(records.bytes.subarray(0, recordBytes));
  first.writeUInt32LE(0, 0);
  return { count: count + 1, recordBytes, bytes: Buffer.concat([first, bytes]) };
}
