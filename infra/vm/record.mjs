// Keeps the objects that kernel tests compile on the host, for the virtual machines, which have no compiler.
import { copyFileSync, chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../setup/run.mjs';
import { standIns } from './initramfs.mjs';

/** What to add to the environment of tests on the host so that `objects` fills. */
export function recordObjects(folder) {
  const bin = join(folder, 'bin');
  const objects = join(folder, 'objects');
  for (const path of [bin, objects]) mkdirSync(path, { mode: 0o755 });
  for (const name of standIns) {
    copyFileSync(new URL('./stand-in.sh', import.meta.url), join(bin, name));
    chmodSync(join(bin, name), 0o755);
  }
  const real = run('sh', ['-c', 'dirname "$(command -v clang)"']).trim();
  return { objects, env: { PATH: `${bin}:${process.env.PATH}`, REAL_TOOLS: real, OBJECTS: objects } };
}

/** Emulation is ten to thirty times slower than the machine: there the same tests repeat what they repeat fewer times. */
export const fewRounds = {
  L3AF_FUZZ_COUNT: '12',
  L3AF_CHAIN_CHANGES: '14',
  L3AF_REVISIONS: '25',
  L3AF_PACKETS: '50000',
};
