import type { ChainKey, ChainState as ViewState, ChainView } from '@l3af/contracts';
import type { ChainState } from './chain.state';

type Reported = NonNullable<ChainView['reported']>;

/** The chain as people see it. Whether its node is silent is for the caller to add. */
export function chainView(key: ChainKey, state: ChainState): ChainView {
  const { desired } = state;
  const gone = !desired || desired.deleted;
  return {
    ...key,
    desired: gone ? null : { revision: desired.revision, sequence: desired.sequence, kfs: desired.kfs },
    reported: gone && state.outcome === 'detached' ? null : reported(state),
  };
}

function reported(state: ChainState): Reported {
  const { applied, refusal, desired, detached } = state;
  const viewed = viewState(state);
  // The refusal tells of a newer revision; what is live is told by the rest.
  const refused = refusal && (viewed === 'rejected' || viewed === 'rolled-back') ? refusal : undefined;
  const troubles = Object.values(state.troubles);
  const at = refused?.at ?? troubles.at(-1)?.at ?? applied?.at ?? detached?.at;
  const error = refused?.error ?? troubles.find((trouble) => trouble.error)?.error;
  const warnings = [...(applied?.warnings ?? []), ...troubles.map((trouble) => trouble.detail)];
  return {
    revision: refused?.revision ?? applied?.revision ?? detached?.revision ?? 0,
    state: viewed,
    ...(applied && { generation: applied.generation }),
    ...(applied?.mode && { mode: applied.mode }),
    ...(at !== undefined && { at }),
    kfs: (applied?.kfs ?? []).map(({ name, programId }) => ({ name, programId })),
    ...(applied?.timings && applied.revision === desired?.revision && { timings: applied.timings }),
    ...(error && { error }),
    ...(refused?.log && { log: refused.log }),
    ...(warnings.length > 0 && { warnings }),
  };
}

function viewState({ desired, applied, refusal, troubles, outcome }: ChainState): ViewState {
  if (refusal && refusal.revision === desired?.revision) return refusal.kind;
  const live = desired ? applied?.revision === desired.revision && outcome === 'applied' : applied !== null;
  if (!live) return 'pending';
  return Object.keys(troubles).length > 0 ? 'degraded' : 'live';
}
