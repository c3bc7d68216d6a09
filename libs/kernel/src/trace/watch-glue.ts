import { callHelper, helper, mov, op, type Line } from '../glue/assembler';
import { findKey } from './gate';
import { key } from './packet-key';
import { writeRecord, type RecordPlan } from './record-code';

/** Before the KF, in the calling form: r6 = context, r8 = now. */
export const startWatch: Line[] = [mov(6, 1), callHelper(helper.ktimeGetNs), mov(8, 0), mov(1, 6)];

/**
 * After the KF, whose verdict waits in r7: one record. When the KF made another packet run through the chain on this CPU (a clone that it
 * sent, for one), the key is that packet's, and what follows of this one is not recorded.
 */
export const stopWatch = (plan: RecordPlan): Line[] => [
  callHelper(helper.ktimeGetNs),
  { code: op.sub64, dst: 0, src: 8 },
  mov(8, 0),
  ...findKey(plan.watch.key),
  { code: op.jumpEqual, dst: 0, imm: 0, to: 'lost' },
  { code: op.load64, dst: 1, src: 0, off: key.context },
  { code: op.jumpNotEqualRegister, dst: 1, src: 6, to: 'lost' },
  { code: op.load64, dst: 9, src: 0, off: key.id },
  { code: op.jumpEqual, dst: 9, imm: 0, to: 'lost' },
  ...writeRecord(plan),
  { label: 'lost' },
];
