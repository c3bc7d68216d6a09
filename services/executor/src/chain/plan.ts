import type { DesiredKf } from '@l3af/contracts';
import type { DesiredChain } from './desired';

/** What a generation's metadata map says it is: the chain as it was applied. */
export interface AppliedChain {
  revision: number;
  sequence: number;
  kfs: DesiredKf[];
  /** The generation measures its KFs (see measuring.ts); it is not meant to stay. */
  timed?: boolean | undefined;
}

/** What the kernel has on a hook, of ours. */
export interface ObservedChain {
  /** The generation that packets see; absent when nothing of ours is attached. `damaged`: someone changed it. */
  live?: { generation: number; applied: AppliedChain; damaged?: boolean };
  /**
   * Generations with pins that packets do not see: the previous one on probation, or leftovers of a crash.
   * `applied` only when the generation was loaded whole.
   */
  idle: { generation: number; applied?: AppliedChain }[];
}

export type Action =
  /** Load the chain whole, off the packet path, as a new generation. */
  | {
      type: 'load';
      generation: number;
      applied: AppliedChain;
      reuseFrom?: { generation: number; applied: AppliedChain };
    }
  /** Make a loaded generation live, in one replacement. */
  | { type: 'swap'; generation: number }
  /** Change a live generation in place: switches and map configuration. */
  | { type: 'adjust'; generation: number; from: AppliedChain; to: AppliedChain }
  | { type: 'remove-generation'; generation: number }
  | { type: 'detach' };

export interface PlanOptions {
  /** Generations to keep although they are idle: the previous one while it may be needed for a roll-back. */
  keep: readonly number[];
  /** Whether two KFs differ only in what can be changed in place (see adjust.ts). */
  adjustable: (from: DesiredKf, to: DesiredKf) => boolean;
}

/**
 * The actions that bring a hook from what is observed to what is desired; empty when it is there already.
 * A change of structure is always the same one: load a new generation, swap, remove what is no longer needed.
 */
export function plan(desired: DesiredChain, observed: ObservedChain, options: PlanOptions): Action[] {
  const { live, idle } = observed;
  if (desired.deleted) return live || idle.length > 0 ? [{ type: 'detach' }] : [];
  const whole = live && !live.damaged ? live : undefined;
  if (whole) {
    const inPlace = changesInPlace(whole, desired, options);
    if (inPlace) return [...removals(unneeded(idle, options)), ...inPlace];
  }
  const ready = live === whole && readyToSwap(desired, idle);
  if (ready) {
    return [...removals(idle.filter((one) => one !== ready)), { type: 'swap', generation: ready.generation }];
  }
  return newGeneration(desired, observed);
}

type Live = NonNullable<ObservedChain['live']>;

/** What an undamaged live generation needs to become what is desired, or undefined when it takes a new one. */
function changesInPlace(live: Live, desired: DesiredChain, options: PlanOptions): Action[] | undefined {
  if (live.applied.sequence === desired.sequence) return [];
  if (!canAdjust(live.applied.kfs, desired.kfs, options)) return undefined;
  return [{ type: 'adjust', generation: live.generation, from: live.applied, to: appliedAs(desired) }];
}

/** A generation that was loaded whole but is not live: killed before the swap, or detached by someone since. */
function readyToSwap(
  desired: DesiredChain,
  idle: ObservedChain['idle'],
): ObservedChain['idle'][number] | undefined {
  return idle.find(({ applied }) => applied?.sequence === desired.sequence && !applied.timed);
}

function newGeneration(desired: DesiredChain, { live, idle }: ObservedChain): Action[] {
  const generation = Math.max(0, live?.generation ?? 0, ...idle.map((one) => one.generation)) + 1;
  return [
    // At most two generations at once: an older one on probation makes room first.
    ...removals(idle),
    {
      type: 'load',
      generation,
      applied: appliedAs(desired),
      ...(live && { reuseFrom: { generation: live.generation, applied: live.applied } }),
    },
    { type: 'swap', generation },
  ];
}

/** Whether someone changed or detached what was loaded for this revision (a reboot leaves nothing: no drift). */
export function isDrifted(desired: DesiredChain, { live, idle }: ObservedChain): boolean {
  if (live) return live.damaged === true && live.applied.sequence === desired.sequence;
  return !desired.deleted && readyToSwap(desired, idle) !== undefined;
}

const unneeded = (idle: ObservedChain['idle'], { keep }: PlanOptions): ObservedChain['idle'] =>
  idle.filter(({ generation }) => !keep.includes(generation));

const appliedAs = ({ revision, sequence, kfs }: DesiredChain): AppliedChain => ({ revision, sequence, kfs });

const removals = (idle: ObservedChain['idle']): Action[] =>
  idle.map(({ generation }) => ({ type: 'remove-generation', generation }));

/** Rolling back is one swap to the previous generation, and the removal of the broken one. */
export function planRollBack(broken: number, previous: number): Action[] {
  return [
    { type: 'swap', generation: previous },
    { type: 'remove-generation', generation: broken },
  ];
}

function canAdjust(from: DesiredKf[], to: DesiredKf[], options: PlanOptions): boolean {
  return (
    from.length > 0 &&
    from.length === to.length &&
    from.every((kf, index) => {
      const next = to[index];
      return next !== undefined && options.adjustable(kf, next);
    })
  );
}
