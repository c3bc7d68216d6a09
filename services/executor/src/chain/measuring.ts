import { cannot, chainKeyText, type ChainKey, L3afError } from '@l3af/contracts';
import { type HookTarget, loadGeneration, swapTo, type WatchLoad } from '@l3af/kernel';
import type { Artifact, ArtifactStore } from '../artifact/artifact-store';
import { kfLoad } from './execute';
import type { CounterLedger } from './ledger';
import { observe, writeApplied } from './observe';
import type { AppliedChain } from './plan';
import type { Reconciler } from './reconcile';
import { swapBack } from './swap-back';

export interface MeasuringOptions {
  reconciler: Reconciler;
  artifacts: Pick<ArtifactStore, 'get'>;
  ledger: Pick<CounterLedger, 'remove'>;
}

/** What a measuring generation does besides being the chain. */
export type Measure = { timed: true } | { watch: WatchLoad };

/** A chain that measures, while it is live. */
export interface Measured {
  target: HookTarget;
  generation: number;
  applied: AppliedChain;
  /** False when something else has taken its place. */
  isLive: () => boolean;
}

/**
 * Puts a generation of the same chain that measures in the live one's place, and after some time the one before again: each way is one
 * atomic swap, and both share the KFs' maps. What a crash leaves of it, the next start takes away (see Reconciler).
 */
export class Measuring {
  private readonly running = new Set<Promise<unknown>>();
  private readonly stopping = new AbortController();

  constructor(private readonly options: MeasuringOptions) {}

  /** Runs `body` while the chain measures; `signal` tells it to come to an end. One at a time for each chain. */
  run<T>(
    key: ChainKey,
    measure: Measure,
    body: (measured: Measured, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { reconciler } = this.options;
    const id = chainKeyText(key);
    if (this.stopping.signal.aborted) return Promise.reject(refusal(id, 'the executor is stopping'));
    if (reconciler.measured.has(id)) return Promise.reject(refusal(id, 'it is being measured already'));
    reconciler.measured.set(id, undefined);
    const run = this.runNow(key, measure, body).finally(() => {
      reconciler.measured.delete(id);
      this.running.delete(run);
      reconciler.schedule(key);
    });
    this.running.add(run);
    return run;
  }

  /** Ends what runs; every chain is as before when it resolves. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.running);
  }

  private async runNow<T>(
    key: ChainKey,
    measure: Measure,
    body: (measured: Measured, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { reconciler } = this.options;
    const { measured, plain } = await reconciler.alone(() => this.swapIn(key, measure));
    try {
      return await body(measured, this.stopping.signal);
    } finally {
      await reconciler.alone(() => this.swapOut(measured, plain));
    }
  }

  private async swapIn(key: ChainKey, measure: Measure): Promise<{ measured: Measured; plain: number }> {
    const { reconciler } = this.options;
    const { target, live, idle } = this.liveOn(key);
    const artifacts = new Map<string, Artifact>();
    for (const kf of live.applied.kfs) artifacts.set(kf.digest, await this.options.artifacts.get(kf));
    const generation = Math.max(live.generation, ...idle.map((one) => one.generation)) + 1;
    await loadGeneration(target, {
      generation,
      metadata: writeApplied({ ...live.applied, timed: true }),
      kfs: live.applied.kfs.map((kf) => kfLoad(kf, { target, artifacts }, live.applied)),
      reuseFrom: live.generation,
      ...measure,
    });
    reconciler.measured.set(chainKeyText(key), live.generation);
    swapTo(target, generation);
    const isLive = (): boolean => observe(target).live?.generation === generation;
    return { measured: { target, generation, applied: live.applied, isLive }, plain: live.generation };
  }

  /** Whatever else took its place stays; the measuring generation goes in any case. */
  private swapOut({ target, generation, isLive }: Measured, plain: number): void {
    if (isLive()) swapBack(target, { measuring: generation, plain });
    this.options.ledger.remove(target, generation);
  }

  private liveOn(key: ChainKey) {
    const target = this.options.reconciler.target(key);
    const observed = target && observe(target);
    const live = observed?.live;
    if (!target || !live || live.applied.kfs.length === 0) {
      const state = 'no KF of it is live';
      throw new L3afError('unknown-chain', cannot('measure', 'chain', chainKeyText(key), state));
    }
    // A drifted chain is about to be repaired; a copy of what it should be would hide that.
    if (live.damaged) throw refusal(chainKeyText(key), 'it is being repaired');
    return { target, live, idle: observed.idle };
  }
}

const refusal = (id: string, state: string): L3afError =>
  new L3afError('conflict', cannot('measure', 'chain', id, state));
