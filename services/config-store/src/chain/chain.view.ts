import type { ChainKey, ChainState as ViewState, ChainView } from '@l3af/contracts';
import type { ChainState } from './chain.state';

type Reported = NonNullable<ChainView['reported']>;

/** The chain as people see it. Whether its node is silent is for the caller to add. */
export function chainView(key: ChainKey, state: ChainState): ChainView {
  const { desired } = state;
  const gone = !desired || desired.deleted;
  return {
    ...key,
    desired: gone ? null : withoutFlag(desired),
    reported: gone && state.outcome === 'detached' ? null : reported(state),
  };
}

function reported(state: ChainState): Reported {
  const viewed = viewState(state);
  // The refusal tells of a newer revision; what is live is told by the rest.
  const waits = viewed === 'pending' && isTriedAgain(state);
  const refused = waits || viewed === 'rejected' || viewed === 'rolled-back' ? state.refusal : null;
  const { revision, at } = lastReport(state, refused);
  return {
    revision,
    state: viewed,
    ...runs(state),
    ...(at !== undefined && { at }),
    ...complaints(state, refused),
  };
}

type Refusal = ChainState['refusal'];

/** The revision that the view is about and when it was last heard of. */
function lastReport(state: ChainState, refused: Refusal): { revision: number; at: string | undefined } {
  const report = refused ?? state.applied ?? state.detached;
  const troubledAt = refused ? undefined : Object.values(state.troubles).at(-1)?.at;
  return { revision: report?.revision ?? 0, at: troubledAt ?? report?.at };
}

/** What the node has loaded. */
function runs({ applied, desired }: ChainState): Pick<Reported, 'generation' | 'mode' | 'kfs' | 'timings'> {
  if (!applied) return { kfs: [] };
  const { generation, mode, kfs, timings, revision } = applied;
  return {
    generation,
    ...(mode && { mode }),
    kfs: kfs.map(({ name, programId }) => ({ name, programId })),
    ...(timings && revision === desired?.revision && { timings }),
  };
}

/** What is wrong, or worth a warning. */
function complaints(
  { applied, troubles }: ChainState,
  refused: Refusal,
): Pick<Reported, 'error' | 'log' | 'warnings'> {
  const troubled = Object.values(troubles);
  const error = refused?.error ?? troubled.find((trouble) => trouble.error)?.error;
  const warnings = [...(applied?.warnings ?? []), ...troubled.map((trouble) => trouble.detail)];
  return {
    ...(error && { error }),
    ...(refused?.log && { log: refused.log }),
    ...(warnings.length > 0 && { warnings }),
  };
}

const isTriedAgain = ({ refusal, desired }: ChainState): boolean =>
  refusal?.retrying === true && refusal.revision === desired?.revision;

function viewState({ desired, applied, refusal, troubles, outcome }: ChainState): ViewState {
  if (refusal && refusal.revision === desired?.revision) return refusal.retrying ? 'pending' : refusal.kind;
  const live = desired ? applied?.revision === desired.revision && outcome === 'applied' : applied !== null;
  if (!live) return 'pending';
  return Object.keys(troubles).length > 0 ? 'degraded' : 'live';
}

function withoutFlag({ deleted: _deleted, ...desired }: NonNullable<ChainState['desired']>) {
  return desired;
}
