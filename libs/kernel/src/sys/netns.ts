import { closeSync, openSync } from 'node:fs';
import { KernelCallError } from './errors';
import { setNetns } from './libc';

/**
 * Runs `body` in the network namespace at `path` and comes back. Only synchronous code: setns(2) moves the calling
 * thread, and after an `await` other work would run in the wrong namespace.
 */
export function inNetns<T>(path: string | undefined, body: () => T): T {
  if (path === undefined) return body();
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const target = openNamespace(path);
    try {
      setNetns(target, path);
    } finally {
      closeSync(target);
    }
    let result: T;
    try {
      result = body();
    } finally {
      setNetns(home, 'home');
    }
    if (result instanceof Promise) throw new TypeError('inNetns takes synchronous code only');
    return result;
  } finally {
    closeSync(home);
  }
}

function openNamespace(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).errno ?? 0;
    throw new KernelCallError('open', Math.abs(errno), path);
  }
}
