import { type ChainCounters, type HookTarget, readCounters } from '@l3af/kernel';
import type { ObservedChain } from './plan';

/** The counters of a chain; while it is measured, what the plain generation has counted and what the measuring one has since. */
export function shownCounters(
  target: HookTarget,
  live: NonNullable<ObservedChain['live']>,
  plain: number | undefined,
): ChainCounters {
  const now = readCounters(target, live.generation);
  if (plain === undefined || !live.applied.timed) return now;
  const before = readCounters(target, plain);
  return {
    broken: before.broken + now.broken,
    brokenAfter: now.brokenAfter ?? before.brokenAfter,
    kfs: now.kfs.map((kf) => {
      const was = before.kfs.find(({ name }) => name === kf.name);
      return {
        ...kf,
        verdicts: sum(was?.verdicts ?? {}, kf.verdicts),
        proceeded: kf.proceeded + (was?.proceeded ?? 0),
      };
    }),
  };
}

function sum(one: Record<string, number>, other: Record<string, number>): Record<string, number> {
  const both = { ...one };
  for (const [verdict, count] of Object.entries(other)) both[verdict] = (both[verdict] ?? 0) + count;
  return both;
}
