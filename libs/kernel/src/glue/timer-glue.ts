import type { Hook } from '@l3af/contracts';
import {
  assemble,
  callHelper,
  enterSlot,
  exit,
  helper,
  mov,
  movImm,
  op,
  type Instruction,
  type Line,
} from './assembler';
import { row } from './counters-layout';
import { findRow, increment, type RowPlan } from './row-glue';

/** How many packets there are to one whose KFs a timed generation measures. A power of two. */
export const timedOneIn = 64;

/** Verdict of a chain that has nothing more to say: others on a TC hook still run. */
export const chainEndVerdict = (hook: Hook): number => (hook === 'xdp' ? 2 : -1);

/**
 * The first program of a timed generation: sends one packet in some through the lane of timed programs and all others
 * through the plain one, whose cost per KF is that of any chain. Both tail calls have a constant index, which the JIT
 * makes direct jumps of. Where every KF is off both fall through.
 */
export function samplerProgram({ hook, programs, timedFrom }: SamplerPlan): Buffer {
  const enter = (slot: number): Line[] => enterSlot(mov(1, 6), { programs, slot });
  return assemble([
    mov(6, 1),
    callHelper(helper.randomU32),
    { code: op.and64Imm, dst: 0, imm: timedOneIn - 1 },
    { code: op.jumpNotEqual, dst: 0, imm: 0, to: 'plain' },
    ...enter(timedFrom),
    { label: 'plain' },
    ...enter(0),
    movImm(0, chainEndVerdict(hook)),
    exit,
  ]);
}

export interface SamplerPlan {
  hook: Hook;
  /** Descriptor of the generation's program array. */
  programs: number;
  /** First slot of the timed lane. */
  timedFrom: number;
}

/**
 * The clock is read twice before the KF and once after: what one reading takes is known from the first two and is
 * taken off, so that an empty KF takes next to nothing.
 */
const readTwice = (first: Instruction, second: Instruction): Line[] => [
  callHelper(helper.ktimeGetNs),
  first,
  callHelper(helper.ktimeGetNs),
  second,
];

/** r0 += nanoseconds in r8, in the row of the KF. */
const addTime = (plan: RowPlan, keyAt?: number): Line[] => [
  ...findRow(plan, keyAt),
  { code: op.jumpEqual, dst: 0, imm: 0, to: 'stopped' },
  { code: op.load64, dst: 1, src: 0, off: row.nanoseconds * 8 },
  { code: op.add64, dst: 1, src: 8 },
  { code: op.store64, dst: 0, src: 1, off: row.nanoseconds * 8 },
  ...increment(row.timed * 8),
  { label: 'stopped' },
];

/** Calling form: r6 = context, r8 and r9 = the two readings, which a call leaves alone. */
export const startTimer: Line[] = [mov(6, 1), ...readTwice(mov(8, 0), mov(9, 0)), mov(1, 6)];

/** Calling form: the verdict waits in r7. */
export const stopTimer = (plan: RowPlan): Line[] => [
  callHelper(helper.ktimeGetNs),
  { code: op.sub64, dst: 0, src: 9 },
  { code: op.sub64, dst: 0, src: 9 },
  { code: op.add64, dst: 8, src: 0 },
  ...addTime(plan),
];

/** Where the in-place form keeps the readings: below the context at `slot`. */
const readingsAt = (slot: number): { first: number; second: number } => ({
  first: slot - 8,
  second: slot - 16,
});

/** Bytes of stack below the context that the in-place form of the timer takes. */
export const timerStackBytes = 16;

/** In-place form, after the context was stored at `slot`. */
export const startTimerInPlace = (slot: number): Line[] => {
  const { first, second } = readingsAt(slot);
  const store = (off: number): Instruction => ({ code: op.store64, dst: 10, src: 0, off });
  return [...readTwice(store(first), store(second)), { code: op.load64, dst: 1, src: 10, off: slot }];
};

/** In-place form: the verdict waits in r7. */
export const stopTimerInPlace = (plan: RowPlan, slot: number): Line[] => {
  const { first, second } = readingsAt(slot);
  return [
    callHelper(helper.ktimeGetNs),
    { code: op.load64, dst: 8, src: 10, off: first },
    { code: op.load64, dst: 9, src: 10, off: second },
    { code: op.sub64, dst: 0, src: 9 },
    { code: op.sub64, dst: 0, src: 9 },
    { code: op.add64, dst: 8, src: 0 },
    ...addTime(plan, first),
  ];
};
