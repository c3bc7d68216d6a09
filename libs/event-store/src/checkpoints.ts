import type { EntityManager, QueryRunner } from 'typeorm';
import type { Projection, ProjectionState } from './projection';

export interface CheckpointRow {
  name: string;
  version: number;
  sequence: string;
  error_sequence: string | null;
  error_message: string | null;
}

/** Where a projection will be when the transaction commits. */
export interface Advance {
  state: ProjectionState;
  sequence: number;
  error: ProjectionState['error'];
}

/** The table of checkpoints, in the database of the read models so that both move in one transaction. */
export const checkpointTable = `create table if not exists projection_checkpoint (
  name text primary key,
  version integer not null,
  sequence bigint not null,
  error_sequence bigint,
  error_message text
)`;

type Queryable = Pick<QueryRunner, 'query'> | Pick<EntityManager, 'query'>;

/** The checkpoints that there are; none while nobody has projected yet. */
export async function readCheckpoints(db: Queryable): Promise<CheckpointRow[]> {
  try {
    return (await db.query('select * from projection_checkpoint')) as CheckpointRow[];
  } catch (error) {
    const undefinedTable = (error as { driverError?: { code?: string } }).driverError?.code === '42P01';
    if (undefinedTable) return [];
    throw error;
  }
}

/** Puts the checkpoints into the states. A projection without one is at zero. */
export function adoptCheckpoints(rows: CheckpointRow[], states: ProjectionState[]): void {
  for (const state of states) {
    const row = rows.find(({ name }) => name === state.name);
    state.sequence = Number(row?.sequence ?? 0);
    state.error =
      row && row.error_sequence !== null
        ? { sequence: Number(row.error_sequence), message: row.error_message ?? '' }
        : null;
  }
}

/** Empties the projection's tables and puts its checkpoint to zero. Run it in a transaction. */
export async function restartProjection(manager: EntityManager, projection: Projection): Promise<void> {
  await projection.clear(manager);
  await manager.query(
    `insert into projection_checkpoint (name, version, sequence) values ($1, $2, 0)
     on conflict (name) do update set version = $2, sequence = 0, error_sequence = null, error_message = null`,
    [projection.name, projection.version],
  );
}

/** Moves the checkpoints. Throws when one is not where this projector left it: someone else projects. */
export async function saveCheckpoints(manager: EntityManager, advances: Advance[]): Promise<void> {
  const moved = await manager.query<{ name: string }[]>(
    `with moved as (
       update projection_checkpoint as kept
       set sequence = new.sequence, error_sequence = new.error_sequence, error_message = new.error_message
       from jsonb_to_recordset($1::jsonb)
         as new(name text, expected bigint, sequence bigint, error_sequence bigint, error_message text)
       where kept.name = new.name and kept.sequence = new.expected
       returning kept.name)
     select name from moved`,
    [
      JSON.stringify(
        advances.map(({ state, sequence, error }) => ({
          name: state.name,
          expected: state.sequence,
          sequence,
          error_sequence: error?.sequence ?? null,
          error_message: error?.message ?? null,
        })),
      ),
    ],
  );
  if (moved.length === advances.length) return;
  throw new Error('Cannot move checkpoints: another projector moved them, needs a fresh look');
}
