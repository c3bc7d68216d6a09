import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { exitNow } from './libc';

/**
 * Lets the process end while `work` runs on another thread and calls back: node waits for its threads at the end, and the callback waits
 * for the main thread, for ever. What the kernel was given so far is as after a kill.
 */
export async function endableDuring<T>(work: () => Promise<T>): Promise<T> {
  let fatal: unknown;
  const remember = (error: Error): void => {
    fatal = error;
  };
  const end = (code: number): void => {
    if (fatal !== undefined) writeSync(2, `Uncaught ${inspect(fatal)}\n`); // node would say so only after this
    exitNow(code);
  };
  process.on('uncaughtExceptionMonitor', remember);
  process.on('exit', end);
  try {
    return await work();
  } finally {
    process.off('exit', end);
    process.off('uncaughtExceptionMonitor', remember);
  }
}
