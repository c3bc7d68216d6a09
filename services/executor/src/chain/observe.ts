import { desiredKfSchema } from '@l3af/contracts';
import { type HookTarget, observeHook, type ObservedGeneration, type ObservedHook } from '@l3af/kernel';
import { z } from 'zod';
import type { AppliedChain, ObservedChain } from './plan';

const appliedSchema = z.object({
  revision: z.number().int(),
  sequence: z.number().int(),
  kfs: z.array(desiredKfSchema),
  timed: z.boolean().optional(),
});

/** A generation's metadata: the chain as it was applied. */
export const writeApplied = (applied: AppliedChain): string => JSON.stringify(applied);

/** Kinds of drift that a swap cannot mend: something inside the generation was changed. */
const damage = new Set<ObservedHook['drift'][number]['kind']>([
  'slot-empty',
  'slot-changed',
  'pin-missing',
  'link-unpinned',
]);

/** What the kernel has on a hook, in the planner's words, with the raw observation. */
export function observe(target: HookTarget): ObservedChain & { hook: ObservedHook } {
  const hook = observeHook(target);
  const applied = hook.live && readApplied(hook.live);
  const idle = hook.generations
    .filter(({ generation }) => generation !== hook.live?.generation)
    .map((one) => {
      const was = readApplied(one);
      return { generation: one.generation, ...(was && { applied: was }) };
    });
  if (!hook.live) return { hook, idle };
  const damaged = applied === undefined || hook.drift.some(({ kind }) => damage.has(kind));
  // Metadata that cannot be read is damage too: sequence 0 is older than any revision, so the chain is loaded anew.
  const live = {
    generation: hook.live.generation,
    applied: applied ?? { revision: 0, sequence: 0, kfs: [] },
    damaged,
  };
  return { hook, live, idle };
}

/** What was read already, by its text: live chains are looked at every few seconds and seldom change. */
const known = new Map<string, AppliedChain>();
const knownMax = 256;

function readApplied({ complete, metadata }: ObservedGeneration): AppliedChain | undefined {
  if (!complete) return undefined;
  const before = known.get(metadata);
  if (before) return before;
  try {
    const applied = appliedSchema.parse(JSON.parse(metadata));
    if (known.size >= knownMax) known.clear();
    known.set(metadata, applied);
    return applied;
  } catch {
    return undefined;
  }
}
