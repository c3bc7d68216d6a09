import { carryCounters, type HookTarget, swapTo } from '@l3af/kernel';

/** Puts the plain generation in the place of the one that measures, and shows with it what that has counted. */
export function swapBack(
  target: HookTarget,
  { measuring, plain }: { measuring: number; plain: number },
): void {
  swapTo(target, plain);
  carryCounters(target, { from: measuring, to: plain });
}
