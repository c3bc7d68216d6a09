import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const intervalBytes = 8 * 1024 * 1024;

let collect: ((options: { type: 'minor' }) => void) | undefined;
let passedBytes = 0;

/**
 * Tells that so many bytes of content went through this process; every few megabytes it collects young garbage.
 *
 * Each of them was a buffer outside the heap, of which node sees the few words inside only: left alone it lets
 * about 64 MiB of dead ones lie before it looks. A look at the young generation takes less than a millisecond.
 */
export function passed(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < intervalBytes) return;
  passedBytes = 0;
  collect ??= exposed();
  collect({ type: 'minor' });
}

/**
 * Has old garbage collected in one go, some milliseconds long, instead of marked bit by bit beforehand. To be called
 * before anything else.
 *
 * V8 counts the buffers of content towards the size of the heap, which here is small: passing one blob, it would
 * begin to mark a dozen times over, with a thread per processor, and take more time for that than all the rest.
 */
export function collectAtOnce(): void {
  setFlagsFromString('--no-incremental-marking');
}

function exposed(): (options: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as (options: { type: 'minor' }) => void;
}
