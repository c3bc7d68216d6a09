import { attachedProgram } from '../attach/attached';
import { listFolder } from '../bpf/pin';
import type { HookTarget } from '../types';
import { headIds, openGeneration, type PinnedGeneration } from './generation';
import { generationOf, hookFolder, type HookKey } from './paths';

/** Numbers of the generations on bpffs, oldest first. */
export function generationNumbers(key: HookKey): number[] {
  return listFolder(hookFolder(key))
    .filter(({ folder }) => folder)
    .flatMap(({ name }) => generationOf(name) ?? [])
    .sort((a, b) => a - b);
}

/** Every complete generation, oldest first. */
export function completeGenerations(key: HookKey): PinnedGeneration[] {
  return generationNumbers(key).flatMap((number) => openGeneration(key, number) ?? []);
}

/** The generation whose program our link or filter holds. */
export function liveGeneration(target: HookTarget): PinnedGeneration | undefined {
  const generations = completeGenerations(target);
  const attached = attachedProgram(target, generations);
  return attached && generations.find((generation) => headIds(generation).has(attached.programId));
}
