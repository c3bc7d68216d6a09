import { createMap, KernelMap } from '../bpf/map';
import { openPin, pinObject } from '../bpf/pin';
import { row } from '../glue/counters-layout';
import type { GenerationPaths } from '../generation/paths';

const only = Buffer.alloc(4);
const rowBytes = row.bytes + 8;

/**
 * What one KF had counted when its counters were last reset: the fields of its row, and what had proceeded. Less than that, also below
 * zero, where what another generation counted is shown with it.
 */
export interface Baseline {
  counts: bigint[];
  proceeded: bigint;
}

const zero = (): Baseline => ({ counts: new Array<bigint>(row.bytes / 8).fill(0n), proceeded: 0n });

/** The baselines of a generation's KFs; all zero when nothing was ever reset. */
export function readBaselines(paths: Pick<GenerationPaths, 'baseline'>, count: number): Baseline[] {
  const fd = openPin(paths.baseline);
  if (fd === undefined) return Array.from({ length: count }, zero);
  using map = new KernelMap(fd);
  const bytes = map.lookup(only) ?? Buffer.alloc(count * rowBytes);
  return Array.from({ length: count }, (_, index) => {
    const at = (field: number): bigint => bytes.readBigInt64LE(index * rowBytes + field * 8);
    const fields = row.bytes / 8;
    return { counts: Array.from({ length: fields }, (__, field) => at(field)), proceeded: at(fields) };
  });
}

/** One write for all KFs, so that a crash leaves all reset or none. */
export function writeBaselines(
  paths: Pick<GenerationPaths, 'baseline'>,
  baselines: readonly Baseline[],
): void {
  const bytes = Buffer.alloc(baselines.length * rowBytes);
  baselines.forEach(({ counts, proceeded }, index) => {
    [...counts, proceeded].forEach((count, field) =>
      bytes.writeBigInt64LE(count, index * rowBytes + field * 8),
    );
  });
  const known = openPin(paths.baseline);
  using map = new KernelMap(
    known ??
      createMap({
        type: 'array',
        name: 'l3af_baseline',
        keyBytes: 4,
        valueBytes: bytes.length,
        entriesMax: 1,
      }),
  );
  map.update(only, bytes);
  if (known === undefined) pinObject(map.fd, paths.baseline);
}
