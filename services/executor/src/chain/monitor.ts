import { chainKeyText, type ChainKey, L3afError, type NodeStatus } from '@l3af/contracts';
import { lookingOnce, type HookDrift } from '@l3af/kernel';
import type { Logger } from '../logger';
import type { Policy } from '../node/policy';
import type { Reporter } from '../report/reporter';
import type { ChainMemory } from './memory';
import { observe } from './observe';
import type { Reconciler } from './reconcile';
import { shownCounters } from './shown-counters';

export interface MonitorOptions {
  reconciler: Reconciler;
  memory: ChainMemory;
  reporter: Reporter;
  policy: Pick<Policy, 'onDrift'>;
  log: Logger;
}

/** Seldom enough that looking at ten chains of five, some 10 ms of processor time, stays below half a percent. */
const intervalMs = 4000;

/** What is wrong but not ours to change: a program that someone put in front stays where it is. */
const leftAlone = new Set<HookDrift['kind']>(['foreign-before']);

/** What was seen of one chain. */
interface Look {
  key: ChainKey;
  drift: readonly HookDrift[];
  /** Of the live chain; 0: none. */
  revision: number;
  status: NodeStatus['chains'][number];
  broken?: { generation: number; after: string; packets: number };
}

/** Looks at every live chain each 4 s: broken ones are rolled back, drifted ones reported and repaired. */
export class Monitor {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  /** What was reported already, by hook. */
  private readonly said = new Map<string, string>();
  private summary: NodeStatus['chains'] = [];

  constructor(private readonly options: MonitorOptions) {}

  start(): void {
    this.timer = setTimeout(() => {
      void this.round().finally(() => {
        if (!this.stopped) this.start();
      });
    }, intervalMs);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** For the heartbeat. */
  chains(): NodeStatus['chains'] {
    return this.summary;
  }

  async round(): Promise<void> {
    const { memory, reconciler } = this.options;
    // While a chain is being changed, what is seen half-way is not drift.
    await reconciler.idle();
    const keys = memory.all().flatMap(({ key, deleted }) => (deleted ? [] : [key]));
    const seen = lookingOnce(() => keys.flatMap((key) => this.guarded(key, () => this.look(key)) ?? []));
    // Only now may something be changed.
    for (const one of seen) this.guarded(one.key, () => this.act(one));
    this.summary = seen.map(({ status }) => status);
  }

  private guarded<T>(key: ChainKey, body: () => T): T | undefined {
    try {
      return body();
    } catch (error) {
      this.options.log.error({ err: error, chain: chainKeyText(key) }, 'chain could not be observed');
      return undefined;
    }
  }

  private look(key: ChainKey): Look | undefined {
    const target = this.options.reconciler.target(key);
    if (!target) return undefined;
    const { hook, live } = observe(target);
    const seen = { key, drift: hook.drift, revision: live?.applied.revision ?? 0 };
    const status = { interface: key.interface, hook: key.hook, revision: seen.revision };
    if (!live) return { ...seen, status: { ...status, state: 'absent', packets: 0 } };
    const plain = this.options.reconciler.measured.get(chainKeyText(key));
    const { kfs, broken, brokenAfter } = shownCounters(target, live, plain);
    const left = kfs.flatMap(({ verdicts }) => Object.values(verdicts));
    const packets = [...left, kfs.at(-1)?.proceeded ?? 0].reduce((sum, count) => sum + count, 0);
    if (broken === 0) return { ...seen, status: { ...status, state: 'live', packets } };
    return {
      ...seen,
      status: { ...status, state: 'broken', packets },
      broken: { generation: live.generation, after: brokenAfter ?? '', packets: broken },
    };
  }

  private act({ key, drift, revision, broken }: Look): void {
    this.checkDrift(key, drift, revision);
    if (broken) this.broken(key, { revision, ...broken });
  }

  private broken(
    key: ChainKey,
    seen: { revision: number; generation: number; after: string; packets: number },
  ): void {
    const { reconciler, reporter, log } = this.options;
    if (!this.isNew(key, `broken ${seen.generation}`)) return;
    const text = chainKeyText(key);
    log.error({ chain: text, ...seen }, 'chain is broken');
    reporter.report(key, {
      type: 'ChainBroken',
      version: 1,
      data: { ...key, revision: seen.revision, kf: seen.after, packets: seen.packets },
    });
    const state = `${seen.packets} packets fell through after KF "${seen.after}", needs 0`;
    const error = new L3afError('chain-broken', `Cannot keep chain "${text}": ${state}`);
    if (!reconciler.rollBack(key, error)) reconciler.reload(key);
  }

  private checkDrift(key: ChainKey, drift: readonly HookDrift[], revision: number): void {
    if (drift.length === 0) {
      this.said.delete(chainKeyText(key));
      return;
    }
    const { policy } = this.options;
    const repairable = policy.onDrift === 'repair' && drift.some(({ kind }) => !leftAlone.has(kind));
    if (this.isNew(key, JSON.stringify(drift))) {
      const { reporter, log } = this.options;
      log.warn({ chain: chainKeyText(key), drift }, 'chain has drifted');
      reporter.report(key, {
        type: 'ChainDrifted',
        version: 1,
        data: {
          ...key,
          revision,
          drift: drift.map(({ kind }) => kind).join(','),
          detail: drift.map(({ detail }) => detail).join('; '),
          action: repairable ? 'repaired' : 'left',
        },
      });
    }
    if (repairable) this.options.reconciler.schedule(key);
  }

  private isNew(key: ChainKey, what: string): boolean {
    const id = chainKeyText(key);
    if (this.said.get(id) === what) return false;
    this.said.set(id, what);
    return true;
  }
}
