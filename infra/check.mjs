// `npm run check`: the one gate to remember before a commit: format, lint, types, unit tests, tidy. Runs all, then says which failed.
import { spawnSync } from 'node:child_process';
import { setup } from './setup.mjs';
import { root } from './up/home.mjs';

setup();
const bin = (path) => [process.execPath, `node_modules/${path}`];
const steps = {
  format: [...bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
  lint: [
    ...bin('nx/dist/bin/nx.js'),
    'run-many',
    '-t',
    'lint',
    '--parallel',
    '2',
    '--output-style',
    'static',
  ],
  types: [...bin('typescript/bin/tsc'), '-p', 'tsconfig.json'],
  unit: [...bin('jest/bin/jest.js'), '--selectProjects', 'unit', '--maxWorkers', '2', '--silent'],
  tidy: [process.execPath, 'infra/tidy.mjs'],
};

function passes(name) {
  console.error(`check: ${name}`);
  const [command, ...args] = steps[name];
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' };
  const result = spawnSync(command, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 64 << 20 });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  // Plain eslint without Nx's graph skips the boundaries with a mere warning; that must not pass for a clean lint.
  const skippedBoundaries = name === 'lint' && output.includes('No cached ProjectGraph');
  if (result.status === 0 && !skippedBoundaries) return true;
  console.error(output.trimEnd());
  return false;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in steps));
if (unknown.length > 0) {
  console.error(`Cannot check "${unknown.join(' ')}": the steps are ${Object.keys(steps).join(', ')}`);
  process.exit(2);
}
const failed = (asked.length > 0 ? asked : Object.keys(steps)).filter((name) => !passes(name));
console.error(failed.length > 0 ? `check failed: ${failed.join(', ')}` : 'check passed');
process.exit(failed.length > 0 ? 1 : 0);
