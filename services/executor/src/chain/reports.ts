import type { ApplyTimings, ChainAttach, ReportEvent, WireError } from '@l3af/contracts';
import type { ObservedHook } from '@l3af/kernel';
import { threeDigits } from '../report/digits';
import type { DesiredChain } from './desired';

/** ChainApplied for what the hook now runs, or ChainDetached for a deleted chain. */
export function appliedReport(applied: {
  desired: DesiredChain;
  hook: ObservedHook;
  timings: ApplyTimings;
  warnings: string[];
}): ReportEvent {
  const { desired, hook, timings, warnings } = applied;
  const head = { ...desired.key, revision: desired.revision, sequence: desired.sequence };
  if (desired.deleted) return { type: 'ChainDetached', version: 1, data: head };
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
      ...head,
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
      ...desired.key,
      revision: desired.revision,
      sequence: desired.sequence,
      error: { ...error, details: small },
      ...(kf !== undefined && { kf }),
      ...(liveRevision !== undefined && { liveRevision }),
      ...(retrying && { retrying }),
    },
  };
}
