import { readFileSync } from 'node:fs';

let count: number | undefined;

/** CPUs that may ever come online: the number of values that a per-CPU map entry has. */
export function possibleCpus(): number {
  count ??= parseCpuList(readFileSync('/sys/devices/system/cpu/possible', 'utf8'));
  return count;
}

/** `0-3,8` is 5 CPUs. */
export function parseCpuList(text: string): number {
  return text
    .trim()
    .split(',')
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}
