import type { EntityManager, QueryRunner } from 'typeorm';
import { saveCheckpoints, type Advance } from './checkpoints';
import type { ProjectionState } from './projection';
import { readStored, type RawStored, type StoredEnvelope } from './stored-envelope';

type Poison = NonNullable<ProjectionState['error']>;

/** A batch as the projections need it: what none of them wants is not read. */
export interface ReadBatch {
  lastSequence: number;
  messages: { sequence: number; subject: string; result: StoredEnvelope | Poison }[];
}

/** Reads each message once, however many projections want it. */
export function readBatch(states: ProjectionState[], batch: RawStored[]): ReadBatch {
  const wanted = batch.filter(({ subject }) => states.some((state) => state.wants(subject)));
  return {
    lastSequence: batch.at(-1)!.sequence,
    messages: wanted.map((raw) => ({ sequence: raw.sequence, subject: raw.subject, result: tryRead(raw) })),
  };
}

function tryRead(raw: RawStored): StoredEnvelope | Poison {
  try {
    return readStored(raw);
  } catch (error) {
    return poisoned(raw.sequence, error);
  }
}

/**
 * Applies a batch to the projections and moves their checkpoints, in one transaction: all of it happens or nothing.
 * A projection that cannot take an event keeps what came before it and stands still there; the others go on.
 * Throws when the database is the problem; the caller tries again.
 */
export async function projectBatch(
  runner: QueryRunner,
  states: ProjectionState[],
  batch: ReadBatch,
): Promise<Advance[]> {
  await runner.startTransaction();
  try {
    const advances: Advance[] = [];
    for (const state of states) {
      if (state.error || state.sequence >= batch.lastSequence) continue;
      const { events, poison } = readable(state, batch);
      const refused = await applyUpTo(runner, state, events);
      const error = refused ?? poison ?? null;
      advances.push({ state, sequence: error ? error.sequence - 1 : batch.lastSequence, error });
    }
    await saveCheckpoints(runner.manager, advances);
    await runner.commitTransaction();
    return advances;
  } catch (error) {
    await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  }
}

function readable(state: ProjectionState, batch: ReadBatch): { events: StoredEnvelope[]; poison?: Poison } {
  const events: StoredEnvelope[] = [];
  for (const { sequence, subject, result } of batch.messages) {
    if (sequence <= state.sequence || !state.wants(subject)) continue;
    if (!('envelope' in result)) return { events, poison: result };
    events.push(result);
  }
  return { events };
}

/** Applies all events at once; if they are refused, one by one up to the one that is to blame. */
async function applyUpTo(
  runner: QueryRunner,
  state: ProjectionState,
  events: StoredEnvelope[],
): Promise<Poison | undefined> {
  if (events.length === 0) return undefined;
  const refused = await applyAtomically(runner, state, events);
  if (refused === undefined) return undefined;
  if (events.length === 1) return poisoned(events[0]!.sequence, refused);
  for (const event of events) {
    const reason = await applyAtomically(runner, state, [event]);
    if (reason !== undefined) return poisoned(event.sequence, reason);
  }
  return undefined;
}

/** The error when the events are refused; throws when the database is away. */
async function applyAtomically(
  runner: QueryRunner,
  { projection }: ProjectionState,
  events: StoredEnvelope[],
): Promise<unknown> {
  const manager: EntityManager = runner.manager;
  await runner.query('savepoint projection');
  try {
    await projection.apply(manager, events);
    await runner.query('release savepoint projection');
    return undefined;
  } catch (error) {
    if (runner.isReleased || isDatabaseAway(error)) throw error;
    await runner.query('rollback to savepoint projection');
    return error ?? new Error('unknown');
  }
}

/** SQLSTATE classes that speak of the server and not of the data: connection, resources, operator, deadlock, I/O. */
const passingClasses = new Set(['08', '53', '57', '58', '40', '25', '55']);

function isDatabaseAway(error: unknown): boolean {
  const driverError = (error as { driverError?: { code?: unknown } } | undefined)?.driverError;
  if (!driverError) return false;
  const { code } = driverError;
  // Errors of the socket have names instead of a SQLSTATE (ECONNRESET), or nothing at all.
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return true;
  return passingClasses.has(code.slice(0, 2));
}

function poisoned(sequence: number, error: unknown): Poison {
  return { sequence, message: error instanceof Error ? error.message : String(error) };
}
