import { createMap, KernelMap } from '../bpf/map';
import { key, watchControl } from './packet-key';
import type { WatchMaps } from './record-code';

/** Room for more than a thousand packets' records in a chain of five KFs. */
const ringBytes = 1 << 20;
const only = Buffer.alloc(4);

/** Creates the maps of a watched generation, for `packets` packets. The caller closes them. */
export function createWatchMaps(packets: number): { [name in keyof WatchMaps]: KernelMap } {
  const control = new KernelMap(
    createMap({
      type: 'array',
      name: 'l3af_watch',
      keyBytes: 4,
      valueBytes: watchControl.bytes,
      entriesMax: 1,
    }),
  );
  writeWanted(control, packets);
  return {
    control,
    key: new KernelMap(
      createMap({
        type: 'percpu_array',
        name: 'l3af_key',
        keyBytes: 4,
        valueBytes: key.bytes,
        entriesMax: 1,
      }),
    ),
    ring: new KernelMap(
      createMap({ type: 'ringbuf', name: 'l3af_ring', keyBytes: 0, valueBytes: 0, entriesMax: ringBytes }),
    ),
  };
}

function writeWanted(control: KernelMap, packets: number): void {
  const value = Buffer.alloc(watchControl.bytes);
  value.writeBigInt64LE(BigInt(packets), watchControl.wanted);
  control.update(only, value);
}

/** Records that found no room in the ring buffer. */
export function readLost(control: KernelMap): number {
  return Number(control.lookup(only)?.readBigInt64LE(watchControl.lost) ?? 0n);
}
