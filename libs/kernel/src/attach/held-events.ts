import { closeSync } from 'node:fs';

/**
 * Before Linux 5.15 a perf event has no link that could be pinned: it lasts as long as this process holds it. By the path where its link would
 * be pinned.
 */
const held = new Map<string, number>();

export const isHeld = (path: string): boolean => held.has(path);

export function hold(path: string, eventFd: number): void {
  release(path);
  held.set(path, eventFd);
}

/** Ends the event of a path, or of everything below a folder. */
export function release(path: string): void {
  for (const [one, fd] of held) {
    if (one !== path && !one.startsWith(`${path}/`)) continue;
    held.delete(one);
    closeSync(fd);
  }
}
