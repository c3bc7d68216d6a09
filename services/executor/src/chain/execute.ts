import { type DesiredKf, verdictsOf } from '@l3af/contracts';
import { planConfig } from '@l3af/bpf-object';
import {
  detach,
  type HookTarget,
  type KfLoad,
  type LoadedKf,
  loadGeneration,
  type MapMigration,
  removeGeneration,
  type SwapResult,
  swapTo,
} from '@l3af/kernel';
import type { Artifact } from '../artifact/artifact-store';
import { removedEntries, zeroedBytes } from './adjust';
import { adjustGeneration } from './adjust-generation';
import type { CounterLedger } from './ledger';
import { planMigration } from './migration';
import { writeApplied } from './observe';
import type { Action, AppliedChain } from './plan';

export interface ExecuteContext {
  target: HookTarget;
  /** The verified artifact of every KF that the actions name, by digest. */
  artifacts: ReadonlyMap<string, Artifact>;
  ledger: Pick<CounterLedger, 'remove' | 'forget'>;
}

export interface Outcome {
  generation?: number;
  loadMs: number;
  swap?: SwapResult;
  warnings: string[];
}

/**
 * Carries the actions out in order. When one fails, what the ones before it made is undone and the error is
 * thrown: packets see the chain they saw before.
 */
export async function execute(actions: readonly Action[], context: ExecuteContext): Promise<Outcome> {
  const outcome: Outcome = { loadMs: 0, warnings: [] };
  const undo: (() => void)[] = [];
  try {
    for (const action of actions) await perform(action, { context, outcome, undo });
    return outcome;
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

interface Progress {
  context: ExecuteContext;
  outcome: Outcome;
  undo: (() => void)[];
}

async function perform(action: Action, { context, outcome, undo }: Progress): Promise<void> {
  const { target } = context;
  switch (action.type) {
    case 'load': {
      const loaded = await loadGeneration(target, {
        generation: action.generation,
        metadata: writeApplied(action.applied),
        kfs: action.applied.kfs.map((kf) => kfLoad(kf, context, action.reuseFrom?.applied)),
        reuseFrom: action.reuseFrom?.generation ?? null,
      });
      undo.push(() => removeGeneration(target, action.generation));
      outcome.loadMs += loaded.loadMs;
      outcome.warnings.push(...loaded.warnings, ...loaded.kfs.flatMap(migrated(action.applied)));
      return;
    }
    case 'swap':
      outcome.swap = swapTo(target, action.generation);
      outcome.generation = action.generation;
      // From here on packets see the new chain: nothing before may be undone.
      undo.length = 0;
      return;
    case 'adjust':
      adjustGeneration(action, context);
      outcome.generation = action.generation;
      return;
    case 'remove-generation':
      context.ledger.remove(target, action.generation);
      return;
    case 'detach':
      detach(target);
      context.ledger.forget(target);
      return;
  }
}

/** Says which maps were migrated, for the report. */
const migrated =
  ({ kfs }: AppliedChain) =>
  ({ name, carriedMaps }: LoadedKf): string[] => {
    const asked = kfs.find((kf) => kf.name === name)?.migrate ?? {};
    return carriedMaps.filter((map) => map in asked).map((map) => `KF ${name}: map ${map} was migrated`);
  };

export function artifactOf(context: Pick<ExecuteContext, 'artifacts'>, kf: DesiredKf): Artifact {
  const artifact = context.artifacts.get(kf.digest);
  if (!artifact) throw new Error(`no artifact for ${kf.name} (${kf.digest})`);
  return artifact;
}

/** A KF as libs/kernel loads it; `before` is the chain whose map state it takes over. */
export function kfLoad(
  kf: DesiredKf,
  context: Pick<ExecuteContext, 'target' | 'artifacts'>,
  before: AppliedChain | undefined,
): KfLoad {
  const verdicts = verdictsOf(context.target.hook);
  const artifact = artifactOf(context, kf);
  const { constants, writes } = planConfig(artifact.schema, kf.config);
  const old = before?.kfs.find(({ name }) => name === kf.name);
  const removed = old ? removedEntries(artifact.schema, old.config, kf.config) : [];
  const zeroed = removed.flatMap((entry) => {
    const zeroes = zeroedBytes(artifact.schema, entry.map);
    return zeroes === undefined ? [] : [{ ...entry, value: new Uint8Array(zeroes) }];
  });
  return {
    name: kf.name,
    object: artifact.object,
    program: kf.program,
    proceedOn: kf.proceedOn.map((name) => verdicts[name]).filter((verdict) => verdict !== undefined),
    enabled: kf.enabled,
    constants,
    writes: [...zeroed, ...writes],
    removes: removed.filter(({ map }) => zeroedBytes(artifact.schema, map) === undefined),
    digest: kf.digest,
    state: kf.state,
    migrations: old ? migrationsOf(kf, artifact, context.artifacts.get(old.digest)) : [],
  };
}

/** The migrations that the document gives for maps that the version before had. */
function migrationsOf(kf: DesiredKf, to: Artifact, from: Artifact | undefined): MapMigration[] {
  return Object.entries(kf.migrate ?? {}).flatMap(([name, document]) => {
    const next = to.schema.maps.find((map) => map.name === name);
    const before = from?.schema.maps.find((map) => map.name === (document.from ?? name));
    // A document that is applied again, or on another node, has nothing to migrate.
    if (!next || !before || from?.object === to.object) return [];
    return [planMigration({ kf: kf.name, from: before, to: next, document })];
  });
}
