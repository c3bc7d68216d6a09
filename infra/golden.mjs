// The one way to update goldens: runs every golden/update.mjs of libs and services, each of which rewrites its own
// project's files. Look at `git diff` afterwards: every line of it is a promise that changed.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const updates = ['libs', 'services']
  .flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name, 'golden', 'update.mjs')),
  )
  .filter((path) => existsSync(path));

for (const path of updates) {
  console.error(`golden: ${relative(root, path)}`);
  const { status } = spawnSync(process.execPath, [path], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exitCode = 1;
}
