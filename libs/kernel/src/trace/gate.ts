import type { Hook } from '@l3af/contracts';
import {
  assemble,
  callHelper,
  enterSlot,
  exit,
  helper,
  jump,
  loadMap,
  loadMapValue,
  mov,
  movImm,
  op,
  type Line,
} from '../glue/assembler';
import { chainEndVerdict } from '../glue/timer-glue';
import type { Match } from './match';
import { matchCode } from './match-code';
import { copyPacket, storeLength } from './packet-copy';
import { arrival, headBytes, key, watchControl } from './packet-key';
import { parsePacket } from './parse-code';
import { writeRecord, type WatchMaps } from './record-code';

export interface GatePlan {
  hook: Hook;
  frags: boolean;
  match: Match;
  /** Descriptor of the generation's program array. */
  programs: number;
  /** First slot of the watched lane. */
  laneFrom: number;
  watch: WatchMaps;
}

/**
 * The first program of a watched generation: packets that match go through the lane of programs that record what each KF does, all others
 * through the plain one, and so do those that match when enough have come. Where every KF is off both fall through.
 */
export function gateProgram(plan: GatePlan): Buffer {
  const { hook, programs, watch, match, laneFrom } = plan;
  const enter = (slot: number): Line[] => enterSlot(mov(1, 6), { programs, slot });
  return assemble([
    mov(6, 1),
    ...loadMapValue(1, watch.control, watchControl.wanted),
    { code: op.load64, dst: 1, src: 1 },
    { code: op.jumpSignedLessEqual, dst: 1, imm: 0, to: 'plain' },
    ...findKey(watch.key),
    { code: op.jumpEqual, dst: 0, imm: 0, to: 'plain' },
    mov(9, 0),
    ...readKey(plan),
    ...matchCode(match, 'matches', 'plain'),
    { label: 'matches' },
    ...loadMapValue(1, watch.control, watchControl.wanted),
    movImm(2, -1),
    { code: op.atomicAdd64, dst: 1, src: 2 },
    ...namePacket,
    ...writeRecord({ ...plan, index: arrival }),
    ...enter(laneFrom),
    jump('end'),
    { label: 'lost' },
    { label: 'plain' },
    ...enter(0),
    { label: 'end' },
    movImm(0, chainEndVerdict(hook)),
    exit,
  ]);
}

/** r0 = this CPU's key, or 0. Uses four bytes of stack. */
export const findKey = (map: number): Line[] => [
  { code: op.storeImm32, dst: 10, off: -4, imm: 0 },
  mov(2, 10),
  { code: op.add64Imm, dst: 2, imm: -4 },
  ...loadMap(1, map),
  callHelper(helper.mapLookup),
];

/** Fills the key at r9 but for the packet's id. */
function readKey({ hook, frags }: GatePlan): Line[] {
  const cleared: Line[] = [];
  for (let off = 0; off < key.count; off += 8) cleared.push({ code: op.storeImm64, dst: 9, off, imm: 0 });
  return [
    ...cleared,
    ...storeLength({ hook, frags }, key.length),
    ...copyPacket({ hook, to: key.packet, bytesMax: headBytes, countAt: key.captured, label: 'head' }),
    ...parsePacket(hook),
  ];
}

/** Gives the packet an id of its own: this CPU's count and number. Leaves what {@link writeRecord} expects. */
const namePacket: Line[] = [
  { code: op.load64, dst: 7, src: 9, off: key.count },
  { code: op.add64Imm, dst: 7, imm: 1 },
  { code: op.store64, dst: 9, src: 7, off: key.count },
  { code: op.shl64Imm, dst: 7, imm: 16 },
  callHelper(helper.processorId),
  { code: op.or64, dst: 7, src: 0 },
  { code: op.store64, dst: 9, src: 7, off: key.id },
  { code: op.store64, dst: 9, src: 6, off: key.context },
  callHelper(helper.ktimeGetNs),
  mov(8, 0),
  mov(9, 7),
  movImm(7, 0),
];
