import { existsSync, readdirSync } from 'node:fs';
import { l3afRoot, removeInstance } from '@l3af/kernel';

/** The instance of a chain that is loaded for tests only; it names the process that removes it. */
export const subjectInstance = (pid: number, suffix: string): string => `verify-${pid}-${suffix}`;

/** Removes what verifications left pinned that were killed. Those of running processes stay. */
export function sweepSubjects(): void {
  if (!existsSync(l3afRoot)) return;
  for (const instance of readdirSync(l3afRoot)) {
    const pid = /^verify-(\d+)-[0-9a-f]{8}$/.exec(instance)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeInstance(instance);
  }
}
