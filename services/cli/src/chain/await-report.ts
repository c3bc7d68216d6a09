import { setTimeout as delay } from 'node:timers/promises';
import {
  L3afError,
  cannot,
  chainKeyText,
  chainViewSchema,
  envelopeSchema,
  nodeViewSchema,
  reportEventSchema,
  type Accepted,
  type AttachMode,
  type ChainKey,
  type ChainView,
  type ReportEvent,
  type WireError,
} from '@l3af/contracts';
import { z } from 'zod';
import { reportedFailure } from '../output/failure';
import type { Session } from '../session';
import { chainPath } from './path';

const messageSchema = z.object({ envelope: envelopeSchema });
const noteAfterMs = 5_000;

/** What became of a revision on its node. */
export interface Outcome {
  /** The revision that the node reported: a later one when it skipped ours. */
  revision: number;
  state: 'live' | 'detached';
  generation?: number;
  mode?: AttachMode;
  totalMs?: number;
  warnings: string[];
}

export interface ReportWait {
  key: ChainKey;
  accepted: Accepted;
  timeoutMs: number;
}

/**
 * Waits for the node's report of a revision. A refusal is thrown with all that the report says; so is a report
 * that does not come in time (the change itself is stored and will be applied).
 */
export async function awaitReport(session: Session, wait: ReportWait): Promise<Outcome> {
  const { key, accepted } = wait;
  const stop = new AbortController();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    stop.abort();
  }, wait.timeoutMs);
  const note = setTimeout(() => void noteSlowNode(session, key), noteAfterMs);
  try {
    const settled = accepted.changed ? undefined : await settledBefore(session, key, accepted.revision);
    if (settled) return settled;
    for await (const event of session.api.events(accepted.watch, { signal: stop.signal })) {
      const outcome = await refusalSeen(session, wait, () => outcomeIn(event.data, key, accepted.revision));
      if (!outcome) continue;
      await seenByReaders(session, key, outcome.revision);
      return outcome;
    }
    if (!timedOut) {
      const late = await settledBefore(session, key, accepted.revision);
      if (late) return late;
    }
  } finally {
    clearTimeout(timer);
    clearTimeout(note);
    stop.abort();
  }
  const waited = timedOut ? `no report within ${wait.timeoutMs / 1000} s` : 'the watch ended';
  throw new L3afError(
    'report-timeout',
    cannot('confirm revision', String(accepted.revision), chainKeyText(key), waited),
  );
}

/** Waits until the views have the report too, so that whatever the caller asks next sees it; a view that lags is no failure. */
async function seenByReaders(session: Session, key: ChainKey, revision: number): Promise<void> {
  for (let turn = 0; turn < 40; turn++) {
    const view = await session.api.ask(chainPath(key), chainViewSchema).catch(() => undefined);
    if (!view || hasReport(view, revision)) return;
    await delay(50);
  }
}

/** A refusal is thrown; what the caller asks next must see it just as well. */
async function refusalSeen<T>(session: Session, { key, accepted }: ReportWait, judged: () => T): Promise<T> {
  try {
    return judged();
  } catch (error) {
    await seenByReaders(session, key, accepted.revision);
    throw error;
  }
}

const hasReport = ({ desired, reported }: ChainView, revision: number): boolean =>
  desired === null ||
  (reported !== null &&
    reported.revision >= revision &&
    // What the node tries again is pending with the reason.
    (reported.state !== 'pending' || reported.error !== undefined));

/** When nothing was stored, the report may be as old as the revision: the chain's view has it. */
async function settledBefore(
  session: Session,
  key: ChainKey,
  revision: number,
): Promise<Outcome | undefined> {
  const { desired, reported } = await session.api.ask(chainPath(key), chainViewSchema);
  if (!reported || reported.revision < revision) return undefined;
  if (reported.error) throw refusedBefore(reported.error, reported);
  if (desired === null) return { revision: reported.revision, state: 'detached', warnings: [] };
  if (reported.state !== 'live' && reported.state !== 'degraded') return undefined;
  return {
    revision: reported.revision,
    state: 'live',
    warnings: reported.warnings ?? [],
    ...(reported.generation !== undefined && { generation: reported.generation }),
    ...(reported.mode && { mode: reported.mode }),
  };
}

const triedAgain = 'The node tries again by itself; `l3af chain show` tells when it is live';

/** Why nothing was stored and nothing is live: this very chain was refused. It can be tried again. */
function refusedBefore(error: WireError, { state, log }: NonNullable<ChainView['reported']>): L3afError {
  const isRefusal = state === 'rejected' || state === 'rolled-back';
  const again = `The chain was ${state} as it is asked for; the same command with --retry tries it again`;
  const hint = isRefusal ? again : state === 'pending' ? triedAgain : error.hint;
  return reportedFailure({ ...error, ...(hint !== undefined && { hint }) }, { logDigest: log?.digest });
}

/** The outcome that a message of the watch tells, if it is one about this revision or a later one. */
function outcomeIn(data: string, key: ChainKey, revision: number): Outcome | undefined {
  const message = messageSchema.safeParse(parseJson(data)).data;
  for (const raw of message?.envelope.events ?? []) {
    const event = reportEventSchema.safeParse(raw).data;
    if (!event || event.data.revision < revision || !isOf(event, key)) continue;
    const outcome = judge(event);
    if (outcome) return outcome;
  }
  return undefined;
}

const isOf = ({ data }: ReportEvent, key: ChainKey): boolean =>
  data.node === key.node && data.interface === key.interface && data.hook === key.hook;

function judge(event: ReportEvent): Outcome | undefined {
  switch (event.type) {
    case 'ChainApplied': {
      const { revision, generation, mode, timings, warnings } = event.data;
      return { revision, state: 'live', generation, mode, totalMs: timings.totalMs, warnings };
    }
    case 'ChainDetached':
      return { revision: event.data.revision, state: 'detached', warnings: [] };
    case 'ChainRejected': {
      const { kf, log, liveRevision, retrying } = event.data;
      const error = retrying ? { ...event.data.error, hint: triedAgain } : event.data.error;
      const live = liveRevision === undefined ? 'nothing, as before' : `revision ${liveRevision}, as before`;
      throw reportedFailure(error, { kf, logDigest: log?.digest, live });
    }
    case 'ChainRolledBack':
      throw reportedFailure(event.data.error, { live: `revision ${event.data.toRevision}, rolled back` });
    default:
      return undefined;
  }
}

/** Says what is known of a node that takes its time; that it is silent, above all. */
async function noteSlowNode(session: Session, key: ChainKey): Promise<void> {
  try {
    const path = `/v1/nodes/${encodeURIComponent(key.node)}`;
    const node = await session.api.ask(path, nodeViewSchema);
    session.print.note(
      node.state === 'silent'
        ? `still waiting: node ${key.node} is silent, last heard ${node.lastSeenAt ?? 'never'}`
        : `still waiting for node ${key.node}`,
    );
  } catch {
    session.print.note(`still waiting for node ${key.node}; the API does not answer at the moment`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
