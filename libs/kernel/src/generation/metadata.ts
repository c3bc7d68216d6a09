import type { HookTarget } from '../types';
import { generationPaths } from './paths';
import { rewriteMetadata } from './record';

/** Rewrites the metadata of a loaded generation, after a change that needed no new one. */
export function writeMetadata(target: HookTarget, generation: number, metadata: string): void {
  rewriteMetadata(generationPaths(target, generation).meta, metadata);
}
