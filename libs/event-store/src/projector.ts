import { setTimeout as delay } from 'node:timers/promises';
import { cannot, L3afError, type ProjectionStatus } from '@l3af/contracts';
import type { DataSource, QueryRunner } from 'typeorm';
import { adoptCheckpoints, checkpointTable, readCheckpoints, restartProjection } from './checkpoints';
import type { EventStore } from './event-store';
import type { BusLog } from './log';
import { ProjectionState, type Projection } from './projection';
import { projectBatch, readBatch, type ReadBatch } from './project-batch';

export interface ProjectorOptions {
  store: EventStore;
  dataSource: DataSource;
  projections: Projection[];
  log: BusLog;
  /** Most events of one transaction; default 2,000. */
  batchMax?: number;
}

/** Any number, the same for every projector of a database. */
const lockKey = 1_279_476_038;

/**
 * Keeps projections up to date: reads the stream from their checkpoints on and writes rows and checkpoint in one
 * transaction. Of all projectors of a database one is active (advisory lock) and the others stand by. A poisoned event
 * stops its projection, loudly, at its place, until a restart; it is never skipped. Outages are waited out.
 */
export class Projector {
  private readonly states: ProjectionState[];
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private active = false;
  private caughtUp = false;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly options: ProjectorOptions) {
    this.states = options.projections.map((projection) => new ProjectionState(projection));
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Finishes the transaction under way and lets a standby take over. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** True once everything that was stored at the start (or at the take-over) was projected here or by the active one. */
  get ready(): boolean {
    return this.caughtUp;
  }

  async status(streamSequence: number): Promise<ProjectionStatus[]> {
    if (!this.active) await this.look();
    return this.states.map(({ name, sequence, error }) => ({
      name,
      sequence,
      lag: Math.max(0, streamSequence - sequence),
      state: error ? 'stopped' : this.active ? 'running' : 'standby',
      error,
    }));
  }

  /** Waits until the projection has seen a sequence; `store-unavailable` when it does not get there in time. */
  async reached(name: string, sequence: number, timeoutMs = 5_000): Promise<void> {
    const state = this.states.find((one) => one.name === name);
    if (!state) throw new Error(`No projection "${name}"`);
    const deadline = Date.now() + timeoutMs;
    while (state.sequence < sequence) {
      if (!this.active) await this.look();
      if (state.sequence >= sequence) return;
      if (state.error || Date.now() >= deadline) throw behind(state, sequence);
      await this.change(this.active ? deadline - Date.now() : 50);
    }
  }

  /** Forgets a projection's rows and makes them again from the whole stream. For the active projector, before start. */
  static async rebuild(dataSource: DataSource, projection: Projection): Promise<void> {
    await dataSource.query(checkpointTable);
    await dataSource.transaction((manager) => restartProjection(manager, projection));
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.asActive();
      } catch (error) {
        if (!signal.aborted)
          this.options.log.warn({ err: error }, 'Projecting was interrupted, trying again');
      }
      this.active = false;
      await delay(500, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Takes the lock, or returns; then projects until something breaks. The lock's own connection does all the writing. */
  private async asActive(): Promise<void> {
    const runner = this.options.dataSource.createQueryRunner();
    await runner.connect();
    const ended = new AbortController();
    const watch = setInterval(() => runner.isReleased && ended.abort(), 250);
    try {
      await runner.query(checkpointTable);
      const [row] = (await runner.query('select pg_try_advisory_lock($1) as locked', [lockKey])) as [
        { locked: boolean },
      ];
      if (!row.locked) return await this.standBy(runner);
      await this.prepare(runner);
      await this.project(runner, AbortSignal.any([this.stopping.signal, ended.signal]));
      if (runner.isReleased) throw new Error('the connection to Postgres broke');
      await runner.query('select pg_advisory_unlock($1)', [lockKey]);
    } finally {
      clearInterval(watch);
      if (!runner.isReleased) await runner.release();
    }
  }

  private async standBy(runner: QueryRunner): Promise<void> {
    adoptCheckpoints(await readCheckpoints(runner), this.states);
    if (!this.caughtUp) this.noteCaughtUp(await this.options.store.lastSequence());
  }

  /** Where to go on from. A restart tries poisoned events again; other versions, and a stream that was reset, mean a rebuild. */
  private async prepare(runner: QueryRunner): Promise<void> {
    const lastSequence = await this.options.store.lastSequence();
    const rows = await readCheckpoints(runner);
    adoptCheckpoints(rows, this.states);
    for (const state of this.states) {
      const { projection } = state;
      const known = rows.find(({ name }) => name === state.name)?.version;
      if (known === projection.version && state.sequence <= lastSequence) continue;
      this.options.log.warn(
        { projection: state.name, known, lastSequence },
        'Rebuilding a projection from zero',
      );
      await Projector.rebuild(this.options.dataSource, projection);
      state.sequence = 0;
    }
    for (const state of this.states) state.error = null;
    this.active = true;
    this.noteCaughtUp(lastSequence);
  }

  private async project(runner: QueryRunner, signal: AbortSignal): Promise<void> {
    const target = await this.options.store.lastSequence();
    const fromSequence = Math.min(...this.states.map((state) => state.sequence)) + 1;
    for await (const batch of this.readAhead(fromSequence, signal)) {
      const advances = await projectBatch(runner, this.states, batch);
      for (const { state, sequence, error } of advances) {
        state.sequence = sequence;
        state.error = error;
        if (error)
          this.options.log.error(
            { projection: state.name, ...error },
            'A poisoned event stopped a projection',
          );
      }
      this.noteCaughtUp(target);
      for (const wake of [...this.waiting]) wake();
    }
  }

  /** Reads the next batch while the one before is being written: this process and Postgres then work at once. */
  private async *readAhead(fromSequence: number, signal: AbortSignal): AsyncGenerator<ReadBatch> {
    const ended = new AbortController();
    const { store, batchMax = 2_000 } = this.options;
    const batches = store.batches({
      fromSequence,
      batchMax,
      signal: AbortSignal.any([signal, ended.signal]),
    });
    const read = async (): Promise<ReadBatch | undefined> => {
      const { value, done } = await batches.next();
      return done ? undefined : readBatch(this.states, value);
    };
    let next = read();
    try {
      for (;;) {
        const batch = await next;
        if (!batch) return;
        next = read();
        // It is awaited on the next turn; until then its failure must not count as unhandled.
        next.catch(() => undefined);
        yield batch;
      }
    } finally {
      ended.abort();
      await next.catch(() => undefined);
      await batches.return(undefined);
    }
  }

  private noteCaughtUp(target: number): void {
    this.caughtUp ||= this.states.every((state) => state.error || state.sequence >= target);
  }

  private async look(): Promise<void> {
    const rows = await readCheckpoints(this.options.dataSource);
    // Whoever has become active meanwhile knows better.
    if (!this.active) adoptCheckpoints(rows, this.states);
  }

  private change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, timeoutMs));
      this.waiting.add(done);
    });
  }
}

function behind(state: ProjectionState, sequence: number): L3afError {
  const why = state.error
    ? `it stopped at the event ${state.error.sequence} (${state.error.message})`
    : `it is at ${state.sequence}`;
  return new L3afError(
    'store-unavailable',
    cannot('read', 'projection', state.name, `${why}, needs ${sequence}`),
    {
      details: { projection: state.name, sequence: state.sequence },
    },
  );
}
