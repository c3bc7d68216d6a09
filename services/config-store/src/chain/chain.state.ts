import type {
  ChainAttach,
  ChainEvent,
  ChainHistoryEntry,
  DesiredKf,
  L3afEvent,
  ObjectReference,
  ReportedKf,
  ReportEvent,
  WireError,
  ApplyTimings,
  AttachMode,
} from '@l3af/contracts';

/** What is live on the hook, as its node said. */
export interface AppliedChain {
  revision: number;
  generation: number;
  mode?: AttachMode;
  at: string;
  kfs: ReportedKf[];
  timings?: ApplyTimings;
  warnings: string[];
}

/** Why a revision is not live. */
export interface Refusal {
  kind: 'rejected' | 'rolled-back';
  revision: number;
  at: string;
  error: WireError;
  log?: ObjectReference;
  /** The node tries again by itself. */
  retrying?: boolean;
}

/** Something wrong with what is live, until it is repaired or replaced. */
export interface Trouble {
  detail: string;
  at: string;
  error?: WireError;
}

export type Outcome = ChainHistoryEntry['outcome'];

/** All that is known of one chain: the fold of its chain and report events. */
export interface ChainState {
  desired: {
    revision: number;
    sequence: number;
    kfs: DesiredKf[];
    deleted: boolean;
    attach?: ChainAttach;
  } | null;
  /** Of the desired revision. */
  outcome: Outcome;
  applied: AppliedChain | null;
  /** What was live before, for a rollback. */
  before: AppliedChain | null;
  refusal: Refusal | null;
  detached: { revision: number; at: string } | null;
  troubles: Record<string, Trouble>;
}

export const initialState: ChainState = {
  desired: null,
  outcome: 'pending',
  applied: null,
  before: null,
  refusal: null,
  detached: null,
  troubles: {},
};

export type ChainStory = ChainEvent | ReportEvent;
const chainTypes = new Set<L3afEvent['type']>(['ChainRevised', 'ChainCleared', 'ChainDeleted']);
export const isChainEvent = (event: L3afEvent): event is ChainEvent => chainTypes.has(event.type);

export interface Happened {
  sequence: number;
  at: string;
}

/** The chain after an event. */
export function evolve(state: ChainState, event: ChainStory, { sequence, at }: Happened): ChainState {
  switch (event.type) {
    case 'ChainRevised':
    case 'ChainCleared':
    case 'ChainDeleted': {
      const kfs = event.type === 'ChainRevised' ? event.data.kfs : [];
      const { revision } = event.data;
      const deleted = event.type === 'ChainDeleted';
      const attach = 'attach' in event.data ? event.data.attach : undefined;
      const desired = { revision, sequence, kfs, deleted, ...(attach && { attach }) };
      return { ...state, outcome: 'pending', desired };
    }
    case 'ChainApplied':
      return applied(state, event.data, at);
    case 'ChainDetached': {
      const detached = { revision: event.data.revision, at };
      return settled({ ...state, detached, applied: null, before: null, refusal: null, troubles: {} }, event);
    }
    case 'ChainRejected':
      return rejected(state, event.data, at);
    case 'ChainRolledBack':
      return rolledBack(state, event.data, at);
    default:
      return { ...state, troubles: troublesAfter(state.troubles, event, at) };
  }
}

type DataOf<T extends ChainStory['type']> = Extract<ChainStory, { type: T }>['data'];

function applied(state: ChainState, data: DataOf<'ChainApplied'>, at: string): ChainState {
  const { revision, generation, mode, kfs, timings, warnings } = data;
  const next: AppliedChain = { revision, generation, mode, at, kfs, timings, warnings };
  const before = state.applied?.generation === generation ? state.before : state.applied;
  const refusal = state.refusal && state.refusal.revision > revision ? state.refusal : null;
  return settled(
    { ...state, applied: next, before, refusal, detached: null, troubles: {} },
    { type: 'ChainApplied', data },
  );
}

function rejected(state: ChainState, data: DataOf<'ChainRejected'>, at: string): ChainState {
  const { revision, error, log, retrying } = data;
  const refusal: Refusal = { kind: 'rejected', revision, at, error, ...(log && { log }) };
  // What the node tries again has come to nothing yet.
  if (retrying) return { ...state, refusal: { ...refusal, retrying } };
  return settled({ ...state, refusal }, { type: 'ChainRejected', data });
}

function rolledBack(state: ChainState, data: DataOf<'ChainRolledBack'>, at: string): ChainState {
  const { revision, toRevision, generation, error } = data;
  const restored: AppliedChain =
    state.before?.revision === toRevision
      ? { ...state.before, generation, at }
      : { revision: toRevision, generation, at, kfs: [], warnings: [] };
  const refusal: Refusal = { kind: 'rolled-back', revision, at, error };
  return settled(
    { ...state, applied: restored, before: null, refusal, troubles: {} },
    { type: 'ChainRolledBack', data },
  );
}

function settled(
  state: ChainState,
  event: { type: ChainStory['type']; data: { revision: number } },
): ChainState {
  const outcome = outcomes[event.type];
  return outcome && state.desired?.revision === event.data.revision ? { ...state, outcome } : state;
}

const outcomes: Partial<Record<ChainStory['type'], Outcome>> = {
  ChainApplied: 'applied',
  ChainDetached: 'detached',
  ChainRejected: 'rejected',
  ChainRolledBack: 'rolled-back',
};

/** What an event says became of a revision, for the history. */
export function outcomeOf(
  event: ChainStory,
): { revision: number; outcome: Outcome; error: WireError | null } | undefined {
  const outcome = event.type === 'ChainRejected' && event.data.retrying ? 'pending' : outcomes[event.type];
  if (!outcome) return undefined;
  const error = 'error' in event.data ? event.data.error : null;
  return { revision: event.data.revision, outcome, error };
}

function troublesAfter(
  troubles: ChainState['troubles'],
  event: Extract<
    ReportEvent,
    { type: 'ChainDrifted' | 'ChainBroken' | 'KfUnhealthy' | 'KfRestarted' | 'CountersReset' }
  >,
  at: string,
): ChainState['troubles'] {
  switch (event.type) {
    case 'ChainDrifted': {
      const { drift, detail, action } = event.data;
      const { [`drift:${drift}`]: _repaired, ...others } = troubles;
      return action === 'repaired'
        ? others
        : { ...troubles, [`drift:${drift}`]: { detail: `${drift}: ${detail}`, at } };
    }
    case 'ChainBroken': {
      const { kf, packets } = event.data;
      const detail = `${packets} packets fell through the tail call after "${kf}"`;
      return {
        ...troubles,
        [`broken:${kf}`]: { detail, at, error: { code: 'chain-broken', message: detail } },
      };
    }
    case 'KfUnhealthy':
      return {
        ...troubles,
        [`unhealthy:${event.data.kf}`]: { detail: `${event.data.kf}: ${event.data.detail}`, at },
      };
    case 'KfRestarted': {
      const { [`unhealthy:${event.data.kf}`]: _healed, ...others } = troubles;
      return others;
    }
    case 'CountersReset': // counters are asked of the node
      return troubles;
    default: {
      const never: never = event;
      return never;
    }
  }
}
