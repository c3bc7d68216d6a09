import { chainKeyText, type ChainKey, type DesiredKf, L3afError } from '@l3af/contracts';
import { type HookTarget, listInterfaces, releaseHook, swapTo } from '@l3af/kernel';
import type { Artifact, ArtifactStore } from '../artifact/artifact-store';
import type { Logger } from '../logger';
import type { Policy } from '../node/policy';
import type { Causation, Reporter } from '../report/reporter';
import type { Settings } from '../settings';
import { isAdjustable } from './adjust';
import type { DesiredChain } from './desired';
import { execute } from './execute';
import { hookTarget, releasedFirst } from './hook-target';
import type { CounterLedger } from './ledger';
import type { ChainMemory } from './memory';
import { observe } from './observe';
import { type AppliedChain, isDrifted, type ObservedChain, plan } from './plan';
import { Probation } from './probation';
import { rolledBackReport } from './reports';
import { type Arrival, RevisionOutcomes } from './revision-outcomes';
import { SerialQueue } from './serial-queue';
import { observeWithoutStray } from './stray';
import { keepTracing } from './tracing';

export interface ReconcilerOptions {
  settings: Settings;
  artifacts: Pick<ArtifactStore, 'get'>;
  memory: ChainMemory;
  reporter: Reporter;
  ledger: CounterLedger;
  policy: Pick<Policy, 'onDrift' | 'probationMs'>;
  log: Logger;
  /** A fingerprint of what a refusal may depend on besides the revision: trusted keys, the kernel, … */
  inputs: () => string;
}

/** Makes each hook's chain what it should be: observe, plan, execute, report; one hook at a time. */
export class Reconciler {
  /**
   * Hooks whose chain is measured, with the generation to go back to: a measuring generation anywhere else is what a crash left.
   * See Measuring.
   */
  readonly measured = new Map<string, number | undefined>();
  readonly probation = new Probation((key) => this.schedule(key));
  private readonly queue = new SerialQueue<string>((id) => this.reconcile(id));
  private readonly keys = new Map<string, ChainKey>();
  private readonly arrivals = new Map<string, Arrival>();
  /** Hooks whose chain is to be loaded anew although it looks right, and those where that was done once. */
  private readonly reloads = new Map<string, 'wanted' | 'done'>();
  private readonly outcomes: RevisionOutcomes;

  constructor(private readonly options: ReconcilerOptions) {
    this.outcomes = new RevisionOutcomes({ ...options, target: (key) => this.target(key) });
  }

  /** Takes a desired chain; one that is older than what is known is ignored (replicas may be behind). */
  offer(desired: DesiredChain, causation: Causation = {}): void {
    const { memory } = this.options;
    const known = memory.get(desired.key);
    if (known && known.sequence > desired.sequence) return;
    const id = chainKeyText(desired.key);
    if (known?.sequence !== desired.sequence) {
      memory.remember(desired);
      this.reloads.delete(id);
      this.arrivals.set(id, { ...causation, receivedAt: performance.now() });
    }
    this.schedule(desired.key);
  }

  schedule(key: ChainKey): void {
    const id = chainKeyText(key);
    this.keys.set(id, key);
    this.queue.add(id);
  }

  /** Everything that is known, again: after a start, a reconnect, a change of trust or of the interfaces. */
  scheduleAll(): void {
    const { memory, settings } = this.options;
    const keys = memory.all().map(({ key }) => key);
    for (const key of releasedFirst(keys, listInterfaces(settings.netns))) this.schedule(key);
  }

  idle(): Promise<void> {
    return this.queue.idle();
  }

  async stop(): Promise<void> {
    this.probation.stop();
    await this.queue.stop();
  }

  /** Runs a change of a hook's generations while no chain is being reconciled. */
  alone<T>(task: () => T | Promise<T>): Promise<T> {
    return this.queue.run(task);
  }

  /** Where a chain goes, or undefined while there is no such interface. */
  target(key: ChainKey): HookTarget | undefined {
    const { settings, memory } = this.options;
    const found = listInterfaces(settings.netns).find(({ name }) => name === key.interface);
    if (!found) return undefined;
    return hookTarget(settings, key, { ifindex: found.ifindex, attach: memory.get(key)?.attach });
  }

  /** Returns packets to the generation before, in one swap; false when there is none to return to. */
  rollBack(key: ChainKey, error: L3afError): boolean {
    const { memory, reporter, inputs } = this.options;
    const desired = memory.get(key);
    const previous = this.probation.previousOf(key);
    const target = this.target(key);
    if (!desired || !target || previous === undefined) return false;
    const observed = observe(target);
    const back = observed.idle.find(({ generation }) => generation === previous);
    if (!observed.live || !back?.applied) return false;
    swapTo(target, previous);
    this.options.ledger.remove(target, observed.live.generation);
    this.probation.forget(key);
    memory.refuse(desired, inputs());
    const toRevision = back.applied.revision;
    reporter.report(key, rolledBackReport(desired, error, { toRevision, generation: previous }));
    return true;
  }

  /** Loads the live revision once more as a new generation: what remains when there is nothing to roll back to. */
  reload(key: ChainKey): void {
    const id = chainKeyText(key);
    if (this.reloads.has(id)) return;
    this.reloads.set(id, 'wanted');
    this.schedule(key);
  }

  private async reconcile(id: string): Promise<void> {
    const key = this.keys.get(id);
    const desired = key && this.options.memory.get(key);
    if (!desired) return;
    const arrival = this.arrivals.get(id);
    try {
      await this.bring(desired, arrival);
    } catch (error) {
      this.outcomes.failed(desired, error, arrival);
    } finally {
      if (this.arrivals.get(id) === arrival) this.arrivals.delete(id);
    }
  }

  private async bring(desired: DesiredChain, arrival: Arrival | undefined): Promise<void> {
    const { memory, log, inputs } = this.options;
    if (memory.isRefused(desired, inputs())) return;
    const target = this.target(desired.key);
    if (!target) return this.withoutInterface(desired, arrival);
    const started = performance.now();
    const observed = this.observe(target, desired);
    if (this.isLeftDrifted(desired, observed)) return;
    const live = observed.live?.applied.sequence === desired.sequence && !observed.live.damaged;
    const artifacts = live
      ? new Map<string, Artifact>()
      : await this.artifactsOf([...desired.kfs, ...migrating(desired, observed.live?.applied)]);
    const pullMs = performance.now() - started;
    const actions = plan(desired, observed, {
      keep: this.kept(desired.key),
      adjustable: (from, to) => {
        const artifact = artifacts.get(to.digest);
        return artifact !== undefined && isAdjustable(from, to, artifact.schema);
      },
    });
    const outcome = await execute(actions, { target, artifacts, ledger: this.options.ledger });
    if (outcome.swap) this.startProbation(desired.key, observed);
    keepTracing(target, log);
    if (this.reloads.has(chainKeyText(desired.key))) this.reloads.set(chainKeyText(desired.key), 'done');
    if (actions.length > 0) {
      const types = actions.map(({ type }) => type);
      log.info(
        { chain: chainKeyText(desired.key), revision: desired.revision, actions: types },
        'chain reconciled',
      );
    }
    this.outcomes.applied({ desired, target, outcome, pullMs, arrival });
  }

  private startProbation(key: ChainKey, { live }: ObservedChain): void {
    if (live && !live.damaged && !live.applied.timed)
      this.probation.start(key, live.generation, this.options.policy.probationMs);
  }

  /** Drift that the policy says to leave: no resync or restart may repair it either, only a new revision. */
  private isLeftDrifted(desired: DesiredChain, observed: ObservedChain): boolean {
    const { policy, memory } = this.options;
    const ours = this.reloads.get(chainKeyText(desired.key)) === 'wanted' || observed.live?.applied.timed;
    return policy.onDrift === 'leave' && !ours && memory.isReported(desired) && isDrifted(desired, observed);
  }

  /** Generations that packets may have to go back to. */
  private kept(key: ChainKey): number[] {
    const plain = this.measured.get(chainKeyText(key));
    return [...this.probation.kept(key), ...(plain === undefined ? [] : [plain])];
  }

  private observe(target: HookTarget, { sequence }: DesiredChain): ReturnType<typeof observe> {
    const id = chainKeyText(target);
    const observed = observeWithoutStray(target, { sequence, isMeasured: this.measured.has(id) });
    if (observed.live && this.reloads.get(id) === 'wanted') observed.live.damaged = true;
    return observed;
  }

  private async artifactsOf(kfs: readonly DesiredKf[]): Promise<Map<string, Artifact>> {
    const loaded = await Promise.all(
      kfs.map(async (kf) => [kf.digest, await this.options.artifacts.get(kf)] as const),
    );
    return new Map(loaded);
  }

  /** A chain for an interface that is not there: a deleted one is gone with it, any other waits for it. */
  private withoutInterface(desired: DesiredChain, arrival: Arrival | undefined): void {
    const { settings, ledger } = this.options;
    // An interface of another name has nothing to do with the chain any more; from one that is gone the kernel took it off.
    releaseHook({ ...desired.key, instance: settings.instance }, settings.netns);
    ledger.forget(desired.key);
    if (!desired.deleted) {
      const text = chainKeyText(desired.key);
      throw new L3afError(
        'interface-gone',
        `Cannot apply chain "${text}": no such interface, needs ${desired.key.interface} to appear`,
      );
    }
    this.outcomes.detached(desired, arrival);
  }
}

/** The KFs that run now and whose maps a new version migrates: their types are needed, too. */
function migrating(desired: DesiredChain, applied: AppliedChain | undefined): DesiredKf[] {
  const names = desired.kfs.filter(({ migrate }) => migrate !== undefined).map(({ name }) => name);
  return (applied?.kfs ?? []).filter(({ name }) => names.includes(name));
}
