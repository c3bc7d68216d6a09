import type { HookTarget } from '@l3af/kernel';
import { observe } from './observe';
import { swapBack } from './swap-back';

/**
 * What is on the hook, after a measuring generation has made room for the plain one beside it, in one swap: one that a crash left
 * (`isMeasured` is false), or whose chain is about to be changed to what was desired at `sequence`. Without a plain one the live one counts
 * as damaged, so that the chain is loaded anew.
 */
export function observeWithoutStray(
  target: HookTarget,
  { sequence, isMeasured }: { sequence: number; isMeasured: boolean },
): ReturnType<typeof observe> {
  const observed = observe(target);
  const { live } = observed;
  if (!live?.applied.timed || (isMeasured && live.applied.sequence === sequence)) return observed;
  const plain = observed.idle.find(
    ({ applied }) => applied?.sequence === live.applied.sequence && !applied.timed,
  );
  if (!plain) {
    live.damaged = true;
    return observed;
  }
  swapBack(target, { measuring: live.generation, plain: plain.generation });
  return observe(target);
}
