import {
  type ApplyTimings,
  type ChainAttach,
  type L3afError,
  type ReportEvent,
  toWireError,
  type WireError,
} from '@l3af/contracts';
import type { ObservedHook } from '@l3af/kernel';
import { threeDigits } from '../report/digits';
import type { DesiredChain } from './desired';

/** What every report of a revision begins with. */
const headOf = ({ key, revision, sequence }: DesiredChain) => ({ ...key, revision, sequence });

/** ChainApplied for what the hook now runs, or ChainDetached for a deleted chain. */
export function appliedReport(applied: {
  desired: DesiredChain;
  hook: ObservedHook;
  timings: ApplyTimings;
  warnings: string[];
}): ReportEvent {
  const { desired, hook, timings, warnings } = applied;
  if (desired.deleted) return detachedReport(desired);
  const kfs = (hook.live?.kfs ?? []).map(({ name, digest, programId, enabled }) => ({
    name,
    digest,
    programId,
    enabled,
  }));
  return {
    type: 'ChainApplied',
    version: 1,
    data: {
      ...headOf(desired),
      generation: hook.live?.generation ?? 0,
      mode: hook.mode ?? 'native',
      kfs,
      timings: {
        pullMs: threeDigits(timings.pullMs),
        loadMs: threeDigits(timings.loadMs),
        swapMs: threeDigits(timings.swapMs),
        totalMs: threeDigits(timings.totalMs),
      },
      warnings: [...warnings, ...modeWarnings(hook), ...attachWarnings(desired.attach ?? {}, hook)],
    },
  };
}

export const detachedReport = (desired: DesiredChain): ReportEvent => ({
  type: 'ChainDetached',
  version: 1,
  data: headOf(desired),
});

/** ChainRolledBack: the revision is refused, and packets are back on the generation before. */
export const rolledBackReport = (
  desired: DesiredChain,
  error: L3afError,
  back: { toRevision: number; generation: number },
): ReportEvent => ({
  type: 'ChainRolledBack',
  version: 1,
  data: { ...headOf(desired), ...back, error: toWireError(error) },
});

function modeWarnings(hook: ObservedHook): string[] {
  return hook.mode === 'generic'
    ? ['attached in generic mode: the driver has no native XDP, packets cost more']
    : [];
}

/** A chain that is attached stays where it is: what its document asks for besides is told, not done. */
function attachWarnings({ dispatcher, tc }: ChainAttach, hook: ObservedHook): string[] {
  const warnings = hook.joined ? [`runs in a libxdp dispatcher: ${dispatcherPrograms(hook)}`] : [];
  const again = 'delete it and apply it again to change that';
  if (dispatcher === 'join' && !hook.joined) warnings.push(`the chain has the hook to itself; ${again}`);
  if (dispatcher !== 'join' && hook.joined) warnings.push(`the chain stays in the dispatcher; ${again}`);
  if (tc !== undefined && hook.mode !== tc)
    warnings.push(`the chain stays on ${hook.mode ?? 'no hook'}; ${again}`);
  return [
    ...warnings,
    ...hook.drift.filter(({ kind }) => kind === 'foreign-before').map(({ detail }) => `${detail}; ${again}`),
  ];
}

const dispatcherPrograms = ({ foreign }: ObservedHook): string =>
  foreign.flatMap(({ dispatcher }) => dispatcher?.programs.map(({ name }) => name) ?? []).join(', ');

const logInEventBytesMax = 2048;

/** ChainRejected. A verifier log goes beside the event (see Reporter), its last lines stay in the details. */
export function rejectedReport(
  desired: DesiredChain,
  error: WireError,
  { liveRevision, retrying }: { liveRevision: number | undefined; retrying: boolean },
): ReportEvent {
  const { log: _log, ...details } = error.details ?? {};
  const kf = typeof details['kf'] === 'string' ? details['kf'] : undefined;
  const small = JSON.stringify(details).length <= logInEventBytesMax ? details : {};
  return {
    type: 'ChainRejected',
    version: 1,
    data: {
      ...headOf(desired),
      error: { ...error, details: small },
      ...(kf !== undefined && { kf }),
      ...(liveRevision !== undefined && { liveRevision }),
      ...(retrying && { retrying }),
    },
  };
}
