import { callHelper, helper, loadMap, mov, op, type Instruction, type Line } from './assembler';

/** What finds a KF's row of counters. */
export interface RowPlan {
  /** Descriptor of the generation's counters. */
  counters: number;
  /** Position of the KF in the chain, from 0. */
  index: number;
}

/** r0 = this KF's row of counters of this CPU, or 0. Uses four bytes of stack at `keyAt`. */
export function findRow({ counters, index }: RowPlan, keyAt = -4): Line[] {
  return [
    { code: op.storeImm32, dst: 10, off: keyAt, imm: index },
    mov(2, 10),
    { code: op.add64Imm, dst: 2, imm: keyAt },
    ...loadMap(1, counters),
    callHelper(helper.mapLookup),
  ];
}

/** Adds 1 to the field at `off` bytes of the row in r0. */
export const increment = (off: number): Instruction[] => [
  { code: op.load64, dst: 1, src: 0, off },
  { code: op.add64Imm, dst: 1, imm: 1 },
  { code: op.store64, dst: 0, src: 1, off },
];
