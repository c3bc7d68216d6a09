import { readFileSync, writeSync } from 'node:fs';
import {
  detach,
  loadGeneration,
  observeHook,
  onKernelOperation,
  removeGeneration,
  setEnabled,
  swapTo,
} from '../index';
import type { HookTarget, KfLoad } from '../types';
import { killSelf, serveForks } from './crash-fork';

/** What a test's child process does before it is killed: one whole change of a hook. */
export interface CrashJob {
  target: HookTarget;
  /** Kill the process after this many kernel operations, counted from 1. */
  killAfter: number;
  change:
    | {
        kind: 'apply';
        generation: number;
        kfs: (Omit<KfLoad, 'object' | 'writes' | 'constants'> & { path: string })[];
      }
    | { kind: 'switch'; generation: number; kf: string; enabled: boolean }
    | { kind: 'detach' };
}

/** Everything that an executor does for a revision: load, swap, remove what is not live any more. */
export async function perform({ target, change }: Pick<CrashJob, 'target' | 'change'>): Promise<void> {
  switch (change.kind) {
    case 'apply': {
      const kfs = change.kfs.map(({ path, ...kf }) => ({
        ...kf,
        object: readFileSync(path),
        writes: [],
        constants: [],
      }));
      const { generation } = change;
      if (observeHook(target).live?.generation !== generation) {
        await loadGeneration(target, { generation, metadata: String(generation), kfs });
        swapTo(target, generation);
      }
      for (const { generation: other } of observeHook(target).generations) {
        if (other !== generation) removeGeneration(target, other);
      }
      return;
    }
    case 'switch':
      setEnabled(target, change.generation, change);
      return;
    case 'detach':
      detach(target);
  }
}

async function main(job: CrashJob): Promise<void> {
  let operations = 0;
  onKernelOperation((operation) => {
    if (++operations !== job.killAfter) return;
    writeSync(1, operation);
    killSelf();
  });
  await perform(job);
  writeSync(1, 'done');
}

if (process.env['L3AF_CRASH_CHILD'] === '1') void serveForks((line) => main(JSON.parse(line) as CrashJob));
