import { cannot, type ChainKey, chainKeyText, L3afError, type NodeReply } from '@l3af/contracts';
import { resetCounters } from '@l3af/kernel';
import type { Causation, Reporter } from '../report/reporter';
import { observe } from './observe';
import type { Reconciler } from './reconcile';

export interface ResetRequest extends Causation {
  key: ChainKey;
  /** Default: all KFs of the chain. */
  kf?: string | undefined;
  actor: string;
  reason?: string | undefined;
}

/**
 * Lets the counters of a live chain begin at zero, and reports who did it with what they were: in what is exported nothing goes back (see
 * CounterLedger).
 */
export function resetChainCounters(
  { reconciler, reporter }: { reconciler: Reconciler; reporter: Reporter },
  { key, kf, actor, reason, ...causation }: ResetRequest,
): Promise<NodeReply<'reset-counters'>> {
  const text = chainKeyText(key);
  return reconciler.alone(() => {
    const target = reconciler.target(key);
    const live = target && observe(target).live;
    if (!target || !live)
      throw new L3afError('unknown-chain', cannot('reset counters of', 'chain', text, 'none is live'));
    if (reconciler.measured.has(text)) {
      const state = 'it is being measured, needs the end of that';
      throw new L3afError('conflict', cannot('reset counters of', 'chain', text, state));
    }
    const before = resetCounters(target, live.generation, kf);
    const kfs = before.kfs.map(({ name, verdicts, proceeded }) => ({ name, verdicts, proceeded }));
    const { revision } = live.applied;
    const data = { ...key, revision, generation: live.generation, actor, ...(reason && { reason }), kfs };
    reporter.report(key, { type: 'CountersReset', version: 1, data }, causation);
    const { interface: name, hook } = key;
    return { interface: name, hook, revision, generation: live.generation, kfs };
  });
}
