// For programs that npm links before anything is built: they call this first.
const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');

// The record is written last: without it a build was never finished.
const isBuilt = (project) => existsSync(join(root, project, 'dist/.build.json'));

/** Builds the clone when one of the projects (folders) is missing; ends the process, saying why, when that cannot be. */
module.exports = function ensureBuilt(program, projects) {
  if (!existsSync(join(root, 'node_modules/@l3af/contracts'))) {
    console.error(`Cannot run ${program}: its packages are not installed, needs \`npm ci\` in the clone`);
    process.exit(1);
  }
  if (projects.every(isBuilt)) return;
  const build = spawnSync(process.execPath, [join(__dirname, 'build.mjs')], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (build.status === 0) return;
  console.error(`Cannot run ${program}: it does not build, see above`);
  process.exit(1);
};
