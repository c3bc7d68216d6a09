import { readFileSync } from 'node:fs';
import { loadPlain } from './plain';

/** Ends while an object is being loaded: the load begins before this goes on, and cannot be over before the event loop turns. */
async function main(path: string, how: string): Promise<void> {
  const object = readFileSync(path);
  (await loadPlain({ object, program: 'kf', hook: 'xdp' })).close();
  void loadPlain({ object, program: 'kf', hook: 'xdp' });
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  if (how === 'throw') throw new Error('thrown meanwhile');
  process.exit(7);
}

const [path, how] = process.argv.slice(2);
if (path !== undefined && process.env['L3AF_EXIT_CHILD'] === '1') void main(path, how ?? '');
