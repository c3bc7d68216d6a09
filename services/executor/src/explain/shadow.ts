import type { DesiredKf } from '@l3af/contracts';
import { planConfig } from '@l3af/bpf-object';
import {
  type HookTarget,
  isPlainData,
  type KfMap,
  loadPlain,
  openKfMap,
  type PlainProgram,
} from '@l3af/kernel';
import type { Artifact } from '../artifact/artifact-store';

/** A KF loaded apart from the live chain, with its maps as they are there now. Close it. */
export interface Shadow {
  program: PlainProgram;
  /** What is not as in the live chain. */
  notes: string[];
}

export interface ShadowRequest {
  target: HookTarget;
  generation: number;
  kf: DesiredKf;
  artifact: Artifact;
}

/** Programs and constants belong to the object; everything else is state. */
const isConstant = (map: string): boolean => map.startsWith('.rodata') || map === '.kconfig';

/** Loads the KF once more and copies the live maps' content: what the packet does there changes nothing here. */
export async function loadShadow(request: ShadowRequest): Promise<Shadow> {
  const { kf, artifact, target } = request;
  const { constants } = planConfig(artifact.schema, kf.config);
  const program = await loadPlain({
    object: artifact.object,
    program: kf.program,
    hook: target.hook,
    constants,
  });
  try {
    const notes = program.mapNames
      .filter((map) => !isConstant(map))
      .flatMap((map) => copyMap(request, program, map));
    return { program, notes };
  } catch (error) {
    program.close();
    throw error;
  }
}

function copyMap({ target, generation, kf }: ShadowRequest, program: PlainProgram, name: string): string[] {
  using live = openKfMap(target, generation, { kf: kf.name, map: name });
  using shadow = program.map(name);
  if (!isPlainData(live.info.type)) return [`map ${name} (${live.info.type}) starts empty`];
  const failed = copyEntries(live, shadow);
  return failed === 0 ? [] : [`map ${name}: ${failed} entries could not be copied`];
}

function copyEntries(live: KfMap, shadow: KfMap): number {
  let failed = 0;
  for (const { key, value } of live.entries()) {
    try {
      shadow.update(key, value);
    } catch {
      failed++; // an LRU map may be full of what other CPUs hold
    }
  }
  return failed;
}
