import { cannot, type ChainKey, chainKeyText, L3afError } from '@l3af/contracts';
import type { HookTarget } from '@l3af/kernel';
import { observe } from '../chain/observe';
import type { AppliedChain } from '../chain/plan';
import type { Reconciler } from '../chain/reconcile';

export interface LiveChain {
  target: HookTarget;
  generation: number;
  applied: AppliedChain;
}

/** The live generation of a hook, or `unknown-chain`. */
export function liveChain(reconciler: Pick<Reconciler, 'target'>, key: ChainKey): LiveChain {
  const target = reconciler.target(key);
  const live = target && observe(target).live;
  if (!target || !live)
    throw new L3afError('unknown-chain', cannot('read', 'chain', chainKeyText(key), 'none is live'));
  return { target, ...live };
}
