import { chainKeyText, type ChainKey, toWireError } from '@l3af/contracts';
import type { HookTarget } from '@l3af/kernel';
import type { Logger } from '../logger';
import type { Causation, Reporter } from '../report/reporter';
import type { DesiredChain } from './desired';
import type { Outcome } from './execute';
import type { ChainMemory } from './memory';
import { observe } from './observe';
import { appliedReport, detachedReport, rejectedReport } from './reports';

/** When a revision came, and from what. */
export interface Arrival extends Causation {
  /** By `performance.now()`. */
  receivedAt: number;
}

export interface RevisionOutcomesOptions {
  memory: ChainMemory;
  reporter: Reporter;
  log: Logger;
  /** A fingerprint of what a refusal may depend on besides the revision. */
  inputs: () => string;
  /** Where a chain goes, or undefined while there is no such interface. */
  target: (key: ChainKey) => HookTarget | undefined;
}

/** Failures that pass by themselves: the revision is tried again, and is not remembered as refused. */
const passing = new Set(['registry-unavailable', 'interface-gone', 'bus-unavailable']);

/** Tells what became of each revision, once, and remembers it: by whichever run of the executor sees it first. */
export class RevisionOutcomes {
  /** What a hook waits for, so that it is reported once. */
  private readonly waiting = new Map<string, string>();

  constructor(private readonly options: RevisionOutcomesOptions) {}

  /** Of a hook that is as the revision wants it. */
  applied(applied: {
    desired: DesiredChain;
    target: HookTarget;
    outcome: Outcome;
    pullMs: number;
    arrival: Arrival | undefined;
  }): void {
    const { desired, target, outcome, pullMs, arrival } = applied;
    const { memory, reporter } = this.options;
    this.waiting.delete(chainKeyText(desired.key));
    if (memory.isReported(desired)) return;
    const totalMs = arrival ? performance.now() - arrival.receivedAt : 0;
    const timings = { pullMs, loadMs: outcome.loadMs, swapMs: outcome.swap?.swapMs ?? 0, totalMs };
    reporter.report(
      desired.key,
      appliedReport({ desired, hook: observe(target).hook, timings, warnings: outcome.warnings }),
      arrival,
    );
    memory.markReported(desired);
  }

  /** Of a deleted chain whose interface is gone, too. */
  detached(desired: DesiredChain, arrival: Arrival | undefined): void {
    const { memory, reporter } = this.options;
    if (memory.isReported(desired)) return;
    reporter.report(desired.key, detachedReport(desired), arrival);
    memory.markReported(desired);
  }

  /** Refuses the revision, or says once what it waits for. */
  failed(desired: DesiredChain, error: unknown, arrival: Arrival | undefined): void {
    const { memory, reporter, log, inputs } = this.options;
    const wire = toWireError(error);
    const id = chainKeyText(desired.key);
    log.error({ chain: id, revision: desired.revision, err: error }, wire.message);
    const retrying = passing.has(wire.code);
    if (retrying) {
      const waiting = `${desired.sequence} ${wire.code}`;
      if (this.waiting.get(id) === waiting) return;
      this.waiting.set(id, waiting);
      memory.markFailed(desired);
    } else memory.refuse(desired, inputs());
    const target = this.options.target(desired.key);
    const liveRevision = target && observe(target).live?.applied.revision;
    const verifierLog = wire.details?.['log'];
    reporter.report(desired.key, rejectedReport(desired, wire, { liveRevision, retrying }), {
      ...arrival,
      ...(typeof verifierLog === 'string' && { log: verifierLog }),
    });
  }
}
