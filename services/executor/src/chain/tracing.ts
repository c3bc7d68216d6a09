import { chainKeyText } from '@l3af/contracts';
import { type HookTarget, reattachCompanions } from '@l3af/kernel';
import type { Logger } from '../logger';

/** Attaches tracing programs that went with the process before this one (Linux before 5.15); the chain is live without them. */
export function keepTracing(target: HookTarget, log: Pick<Logger, 'warn'>): void {
  try {
    reattachCompanions(target);
  } catch (error) {
    log.warn({ err: error, chain: chainKeyText(target) }, 'tracing programs are not attached');
  }
}
