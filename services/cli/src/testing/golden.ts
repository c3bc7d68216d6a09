import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(__dirname, '../../golden');

/** Compares with `golden/<name>`; with `L3AF_GOLDEN=1` (`npm run golden`) it writes the file instead. */
export function expectGolden(name: string, actual: string): void {
  const path = join(folder, name);
  if (process.env.L3AF_GOLDEN) writeFileSync(path, actual);
  expect(actual).toBe(readFileSync(path, 'utf8'));
}
