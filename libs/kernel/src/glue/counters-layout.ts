import { tcVerdicts, xdpVerdicts, type Hook } from '@l3af/contracts';

/**
 * One row per KF in a per-CPU array, 64-bit counters: 16 by verdict, then packets that reached the chain's end at
 * this KF, packets whose tail call fell through, and the nanoseconds and number of the timed runs of the KF.
 */
export const row = {
  verdicts: 16,
  other: 15,
  end: 16,
  broken: 17,
  nanoseconds: 18,
  timed: 19,
  bytes: 20 * 8,
} as const;

/** Most KFs of a chain: a packet may make 33 tail calls. */
export const kfsMax = 34;

/** The control map: one byte per KF each, read by the glue (`ends`) and by observers (`disabled`). */
export const control = { ends: 0, disabled: 64, bytes: 128 } as const;

/** A verdict's place in the row. TC verdicts start at -1. */
export function verdictShift(hook: Hook): { add: number; highest: number } {
  return hook === 'xdp' ? { add: 0, highest: 4 } : { add: 1, highest: 9 };
}

/** Name of the verdict that is counted at a place of the row. */
export function verdictAt(hook: Hook, place: number): string {
  const names = hook === 'xdp' ? xdpVerdicts : tcVerdicts;
  const { add } = verdictShift(hook);
  return Object.entries(names).find(([, number]) => number + add === place)?.[0] ?? 'OTHER';
}
