// Logs are bounded: a file that has grown too long is copied aside once and cut. The writers append, so they go on undisturbed.
import { copyFileSync, existsSync, readFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

const sizeBytesMax = 8 << 20;

/** Cuts every log of the folder that is over the bound, keeping the last part in `NAME.log.1`. */
export function boundLogs(folder, bytesMax = sizeBytesMax) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!name.endsWith('.log') || statSync(path).size <= bytesMax) continue;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  }
}

/** The last lines of a log, for an error message. */
export function lastLines(folder, name, count = 8) {
  const path = join(folder, `${name}.log`);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-count);
}
