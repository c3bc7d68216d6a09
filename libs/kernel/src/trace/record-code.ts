import type { Hook } from '@l3af/contracts';
import { callHelper, helper, loadMap, loadMapValue, mov, movImm, op, type Line } from '../glue/assembler';
import { copyPacket, storeLength } from './packet-copy';
import { record, watchControl } from './packet-key';

/** Descriptors of the maps that the programs of a watched generation share. */
export interface WatchMaps {
  /** Per CPU: the packet's key. */
  key: number;
  ring: number;
  control: number;
}

/** What the code of one record depends on. */
export interface RecordPlan {
  hook: Hook;
  frags: boolean;
  /** The KF's position, or {@link arrival}. */
  index: number;
  watch: WatchMaps;
}

/**
 * Puts one record into the ring buffer, or counts it as lost and jumps to the label `lost`. Expects the context in r6, the verdict in r7,
 * nanoseconds in r8 and the packet's id in r9; of these only r6 and r7 are kept.
 */
export function writeRecord({ hook, frags, index, watch }: RecordPlan): Line[] {
  return [
    ...loadMap(1, watch.ring),
    movImm(2, record.bytes),
    movImm(3, 0),
    callHelper(helper.ringReserve),
    { code: op.jumpNotEqual, dst: 0, imm: 0, to: 'reserved' },
    ...loadMapValue(1, watch.control, watchControl.lost),
    movImm(2, 1),
    { code: op.atomicAdd64, dst: 1, src: 2 },
    { code: op.jump, to: 'lost' },
    { label: 'reserved' },
    { code: op.store64, dst: 0, src: 9, off: record.id },
    { code: op.store64, dst: 0, src: 8, off: record.nanoseconds },
    { code: op.storeImm32, dst: 0, off: record.index, imm: index },
    { code: op.store32, dst: 0, src: 7, off: record.verdict },
    mov(9, 0),
    ...storeLength({ hook, frags }, record.length),
    ...copyPacket({
      hook,
      to: record.packet,
      bytesMax: record.packetBytes,
      countAt: record.captured,
      label: 'record',
    }),
    mov(1, 9),
    movImm(2, 0),
    callHelper(helper.ringSubmit),
  ];
}
