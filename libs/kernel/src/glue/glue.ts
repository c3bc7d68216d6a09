import type { Hook } from '@l3af/contracts';
import { control, row, verdictShift } from './counters-layout';
import {
  assemble,
  enterSlot,
  exit,
  instructionBytes,
  jump,
  loadMapValue,
  mov,
  movImm,
  op,
  pseudo,
  type Instruction,
  type Line,
} from './assembler';
import type { RecordPlan } from '../trace/record-code';
import { startWatch, stopWatch } from '../trace/watch-glue';
import { findRow, increment, type RowPlan } from './row-glue';
import { chainEndVerdict, startTimer, startTimerInPlace, stopTimer, stopTimerInPlace } from './timer-glue';

/** Everything that the glue of one KF depends on. */
export interface GluePlan extends RowPlan {
  hook: Hook;
  last: boolean;
  /** Verdicts after which the next KF runs. */
  proceedOn: readonly number[];
  /** Descriptors of more of the generation's maps. */
  programs: number;
  control: number;
  /** tcx knows fewer verdicts than cls_bpf: what would be taken for "next" there must still end the packet. */
  tcx: boolean;
  /** First slot of this lane in the program array. */
  laneFrom: number;
  /** Time every run. */
  timed: boolean;
  /** Record every run; only the calling form can. */
  watch?: RecordPlan | undefined;
}

const verdict = 7;

/** Compares the verdict as the kernel reads it, 32 bits wide. */
function proceedChecks(proceedOn: readonly number[]): Line[] {
  return proceedOn.map((imm, index) =>
    index < proceedOn.length - 1
      ? { code: op.jumpEqual32, dst: verdict, imm, to: 'proceed' }
      : { code: op.jumpNotEqual32, dst: verdict, imm, to: 'leave' },
  );
}

function leave(plan: GluePlan): Line[] {
  const { add, highest } = verdictShift(plan.hook);
  return [
    { label: 'leave' },
    ...findRow(plan),
    { code: op.jumpEqual, dst: 0, imm: 0, to: 'return' },
    { code: op.mov32, dst: 1, src: verdict },
    ...(add === 0 ? [] : [{ code: op.add32Imm, dst: 1, imm: add }]),
    { code: op.jumpLessEqual, dst: 1, imm: highest, to: 'known' },
    movImm(1, row.other),
    { label: 'known' },
    { code: op.shl64Imm, dst: 1, imm: 3 },
    { code: op.add64, dst: 0, src: 1 },
    ...increment(0),
    { label: 'return' },
    ...(plan.tcx ? consumedOnTcx : []),
    mov(0, verdict),
    exit,
  ];
}

/** tcx takes STOLEN and TRAP for "next"; on cls_bpf both end the packet, and so they must here. */
const consumedOnTcx: Line[] = [
  { code: op.jumpEqual32, dst: verdict, imm: 4, to: 'consumed' },
  { code: op.jumpNotEqual32, dst: verdict, imm: 8, to: 'plain' },
  { label: 'consumed' },
  movImm(verdict, 2),
  { label: 'plain' },
];

const chainEnd = (plan: GluePlan): Line[] => [
  plan.hook === 'xdp' ? mov(0, verdict) : movImm(0, chainEndVerdict(plan.hook)),
  exit,
];

/** Only reached when a tail call failed: the chain is broken here, unless what follows is switched off. */
function fallThrough(plan: GluePlan): Line[] {
  return [
    ...findRow(plan),
    { code: op.jumpEqual, dst: 0, imm: 0, to: 'end' },
    ...loadMapValue(2, plan.control, control.ends + plan.index),
    { code: op.load8, dst: 2, src: 2, off: 0 },
    { code: op.jumpEqual, dst: 2, imm: 0, to: 'broken' },
    ...increment(row.end * 8),
    jump('end'),
    { label: 'broken' },
    ...increment(row.broken * 8),
    { label: 'end' },
    ...chainEnd(plan),
  ];
}

function lastProceed(plan: GluePlan): Line[] {
  return [
    ...findRow(plan),
    { code: op.jumpEqual, dst: 0, imm: 0, to: 'end' },
    ...increment(row.end * 8),
    { label: 'end' },
    ...chainEnd(plan),
  ];
}

function tailCall(plan: GluePlan, loadContext: Instruction): Line[] {
  const { programs, laneFrom, index } = plan;
  return [...enterSlot(loadContext, { programs, slot: laneFrom + index + 1 }), ...fallThrough(plan)];
}

function afterVerdict(plan: GluePlan, loadContext: Instruction): Line[] {
  // The verifier refuses code that cannot be reached.
  if (plan.proceedOn.length === 0) return leave(plan);
  return [
    ...proceedChecks(plan.proceedOn),
    { label: 'proceed' },
    ...(plan.last ? lastProceed(plan) : tailCall(plan, loadContext)),
    ...leave(plan),
  ];
}

/** Any number but 0 that no KF returns the negative of. */
const disguise = 0x5a5a;

/**
 * r7 = the KF's verdict, of which the verifier must know nothing: it takes a subprogram for one that always comes to its own `return`,
 * but a tail call that succeeds and a legacy packet load that fails leave it with another verdict (seen on Linux 5.10 and 6.1). If that
 * `return` is a constant, the verifier takes away the branches for all others. Four bytes of stack that do not begin at a multiple of
 * eight lose the number, unless it is 0.
 */
const takeVerdict: Line[] = [
  { code: op.add32Imm, dst: 0, imm: disguise },
  { code: op.store32, dst: 10, src: 0, off: -4 },
  { code: op.load32, dst: verdict, src: 10, off: -4 },
  { code: op.add32Imm, dst: verdict, imm: -disguise },
];

/** What measures a run, in the calling form; the context goes into r6 in any case. */
function around(plan: GluePlan): { before: Line[]; after: Line[] } {
  if (plan.watch) return { before: startWatch, after: stopWatch(plan.watch) };
  if (plan.timed) return { before: startTimer, after: stopTimer(plan) };
  return { before: [mov(6, 1)], after: [] };
}

/**
 * The calling glue: runs the KF as a subprogram. Works for every KF; r1 must hold the context before the call,
 * or the verifier refuses it.
 */
export function callingGlue(plan: GluePlan): Buffer {
  const { before, after } = around(plan);
  const call: Line[] = [{ code: op.call, src: pseudo.call, imm: 0 }, ...takeVerdict];
  const glue = assemble([...before, ...call, ...after, ...afterVerdict(plan, mov(1, 6))]);
  const callAt = before.filter((line) => !('label' in line)).length;
  glue.writeInt32LE(glue.length / instructionBytes - callAt - 1, callAt * instructionBytes + 4);
  return glue;
}

/** The epilogue of the in-place glue; the context waits in the stack slot at `slot`. */
export function epilogue(plan: GluePlan, slot: number): Buffer {
  const time = plan.timed ? stopTimerInPlace(plan, slot) : [];
  const loadContext = { code: op.load64, dst: 1, src: 10, off: slot };
  return assemble([mov(verdict, 0), ...time, ...afterVerdict(plan, loadContext)]);
}

/** Saves the context in front of an in-place KF: one instruction, and the start of the timer. */
export function prologue({ timed }: Pick<GluePlan, 'timed'>, slot: number): Buffer {
  const save = { code: op.store64, dst: 10, src: 1, off: slot };
  return assemble([save, ...(timed ? startTimerInPlace(slot) : [])]);
}

/** The program of an empty chain: passes everything, to whoever else is on the hook. */
export function passProgram(hook: Hook): Buffer {
  return assemble([movImm(0, chainEndVerdict(hook)), exit]);
}
