import { readdir, readFile } from 'node:fs/promises';
import type { Limits } from './limits';

export interface Usage {
  memoryBytes: number;
  cpuSeconds: number;
}

interface Process extends Usage {
  pid: number;
  parent: number;
}

/** What `sysconf` says of pages and clock ticks on every Linux that node runs on here (amd64 and arm64 with 4 KiB pages). */
const pageBytes = 4096;
const ticksPerSecond = 100;
const betweenMs = 250;

/**
 * What a process and all below it use now: resident memory, and CPU time with that of those that have ended. Orphans count, too:
 * the first process of the sandbox's namespace becomes their parent.
 */
export async function usageOf(root: number): Promise<Usage> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const processes = (await Promise.all(pids.map(readProcess))).flatMap((one) => one ?? []);
  const below = new Map<number, Process[]>();
  for (const one of processes) below.set(one.parent, [...(below.get(one.parent) ?? []), one]);
  const total: Usage = { memoryBytes: 0, cpuSeconds: 0 };
  const left = processes.filter(({ pid }) => pid === root);
  for (let one = left.pop(); one; one = left.pop()) {
    total.memoryBytes += one.memoryBytes;
    total.cpuSeconds += one.cpuSeconds;
    left.push(...(below.get(one.pid) ?? []));
  }
  return total;
}

/** proc(5): the name, in parentheses, may hold anything. */
async function readProcess(pid: string): Promise<Process | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined); // it has just ended
  if (stat === undefined) return undefined;
  const [, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime, stime, cutime and cstime are fields 14 to 17, rss is field 24; `rest` begins with field 5.
  const ticks = rest.slice(9, 13).reduce((sum, text) => sum + Number(text), 0);
  return {
    ...{ pid: Number(pid), parent: Number(parent) },
    ...{ memoryBytes: Number(rest[19]) * pageBytes, cpuSeconds: ticks / ticksPerSecond },
  };
}

/** Looks again and again at what all processes of a sandbox use together, and tells of the first limit that they are over. */
export function watchUsage(
  first: () => number | undefined,
  together: Limits['together'],
  over: (limit: 'memory' | 'CPU time') => void,
): { stop(): void } {
  if (!together) return { stop: () => undefined };
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const look = async (): Promise<void> => {
    const pid = first();
    // Where /proc cannot be read now, for want of descriptors, the next look tells.
    const used = pid === undefined ? undefined : await usageOf(pid).catch(() => undefined);
    const { memoryBytes, cpuSeconds } = used ?? { memoryBytes: 0, cpuSeconds: 0 };
    if (isOver) return;
    if (memoryBytes > together.memoryBytes) return over('memory');
    if (cpuSeconds > together.cpuSeconds) return over('CPU time');
    timer = setTimeout(() => void look(), betweenMs);
  };
  void look();
  return {
    stop: () => {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
