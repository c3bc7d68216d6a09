import type { Hook } from '@l3af/contracts';
import { callHelper, helper, mov, movImm, op, type Line } from '../glue/assembler';

/** Where bytes go: into memory that r9 points to. */
export interface CopyPlan {
  hook: Hook;
  /** Offset from r9. */
  to: number;
  bytesMax: number;
  /** Offset from r9 of the 32-bit number of bytes that were copied. */
  countAt: number;
  /** Makes the labels unlike those of another copy. */
  label: string;
}

/** Offsets in `struct xdp_md` and `struct __sk_buff`. */
const context = { data: 0, dataEnd: 4, skbLength: 0 } as const;

/**
 * Copies the packet's first bytes, as many as there are. Expects the context in r6; uses r0 to r5 and r8. A socket buffer's bytes come by the
 * helper, an XDP packet's by a loop, since its helper is younger than Linux 5.10: eight bytes at a time, then one.
 */
export function copyPacket(plan: CopyPlan): Line[] {
  return plan.hook === 'xdp' ? copyXdp(plan) : copySkb(plan);
}

function copyXdp({ to, bytesMax, countAt, label }: CopyPlan): Line[] {
  const loop = (unit: 1 | 8): Line[] => [
    { label: `${label} ${unit}` },
    mov(5, 2),
    { code: op.add64Imm, dst: 5, imm: unit },
    { code: op.jumpGreaterRegister, dst: 5, src: 3, to: `${label} no ${unit}` },
    { code: unit === 8 ? op.load64 : op.load8, dst: 0, src: 2 },
    mov(1, 9),
    { code: op.add64, dst: 1, src: 4 },
    { code: unit === 8 ? op.store64 : op.store8, dst: 1, src: 0, off: to },
    mov(2, 5),
    { code: op.add64Imm, dst: 4, imm: unit },
    { code: op.jumpLess, dst: 4, imm: bytesMax, to: `${label} ${unit}` },
    { label: `${label} no ${unit}` },
  ];
  return [
    { code: op.load32, dst: 2, src: 6, off: context.data },
    { code: op.load32, dst: 3, src: 6, off: context.dataEnd },
    movImm(4, 0),
    ...loop(8),
    { code: op.jumpGreaterEqual, dst: 4, imm: bytesMax, to: `${label} done` },
    ...loop(1),
    { label: `${label} done` },
    { code: op.store32, dst: 9, src: 4, off: countAt },
  ];
}

function copySkb({ to, bytesMax, countAt, label }: CopyPlan): Line[] {
  return [
    movImm(1, 0),
    { code: op.store32, dst: 9, src: 1, off: countAt },
    { code: op.load32, dst: 4, src: 6, off: context.skbLength },
    { code: op.jumpLessEqual, dst: 4, imm: bytesMax, to: `${label} short` },
    movImm(4, bytesMax),
    { label: `${label} short` },
    { code: op.jumpLessEqual, dst: 4, imm: 0, to: `${label} done` },
    mov(8, 4), // a call does not change it
    mov(1, 6),
    movImm(2, 0),
    mov(3, 9),
    { code: op.add64Imm, dst: 3, imm: to },
    callHelper(helper.skbLoadBytes),
    { code: op.jumpNotEqual, dst: 0, imm: 0, to: `${label} done` },
    { code: op.store32, dst: 9, src: 8, off: countAt },
    { label: `${label} done` },
  ];
}

/** Stores the packet's whole length at `at` from r9. Expects the context in r6; uses r0 to r5. */
export function storeLength({ hook, frags }: { hook: Hook; frags: boolean }, at: number): Line[] {
  const store: Line = { code: op.store32, dst: 9, src: 0, off: at };
  if (hook !== 'xdp') return [{ code: op.load32, dst: 0, src: 6, off: context.skbLength }, store];
  // What of a packet of several buffers the data pointers see is its first one.
  if (frags) return [mov(1, 6), callHelper(helper.xdpBufferLength), store];
  return [
    { code: op.load32, dst: 2, src: 6, off: context.data },
    { code: op.load32, dst: 0, src: 6, off: context.dataEnd },
    { code: op.sub64, dst: 0, src: 2 },
    store,
  ];
}
