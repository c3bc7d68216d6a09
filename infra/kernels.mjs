// `npm run test:kernels [-- VERSION… --files PATTERN --match PATTERN --verbose]`: the kernel tests on this machine's kernel, then on
// Debian's 5.10, 6.1 and 6.12 under qemu; a whole run writes docs/kernels.md. The last line is `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setup } from './setup.mjs';
import { oneByOne } from './test/jest.mjs';
import { root } from './up/home.mjs';

setup({ tests: true });
const { matrix } = await import('./vm/kernels.mjs');
const { fewRounds, recordObjects } = await import('./vm/record.mjs');
const { neverRun, tally } = await import('./vm/results.mjs');
const { runKernel } = await import('./vm/run.mjs');
const { sourcesArchive } = await import('./vm/initramfs.mjs');
const { renderTable } = await import('./vm/table.mjs');

const allFiles = '(libs/kernel|bpf)/';
const limitMs = 45 * 60_000; // of one machine; alone it takes five to ten minutes
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'string', default: allFiles },
    match: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const known = matrix.map(({ version }) => version);
const unknown = positionals.filter((version) => !known.includes(version));
if (unknown.length > 0) {
  console.error(`Cannot test kernel ${unknown.join(', ')}: the matrix has ${known.join(', ')}`);
  process.exit(2);
}
const wanted = matrix.filter(({ version }) => positionals.length === 0 || positionals.includes(version));
const say = (line) => console.error(line);

/** Runs the tests on this machine (`npm test` does so with more rounds), and keeps every object that they compile. */
function runOnHost(folder) {
  const { objects, env } = recordObjects(folder);
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
  const outputFile = join(folder, 'host.json');
  const args = [
    '--selectProjects',
    'kernel',
    ...oneByOne,
    '--json',
    '--outputFile',
    outputFile,
    values.files,
  ];
  if (values.match) args.push('-t', values.match);
  const result = spawnSync(process.execPath, [join(root, 'node_modules/jest/bin/jest.js'), ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', values.verbose ? 'inherit' : 'ignore'],
    env: { ...process.env, ...env, ...fewRounds, TMPDIR: temporary },
  });
  if (result.error) throw result.error;
  const probe = "process.stdout.write(JSON.stringify(require('@l3af/kernel').probeFeatures()))";
  const features = spawnSync(process.execPath, ['-e', probe], { cwd: root, encoding: 'utf8' });
  const tests = existsSync(outputFile) ? JSON.parse(readFileSync(outputFile, 'utf8')) : undefined;
  const release = spawnSync('uname', ['-r'], { encoding: 'utf8' }).stdout.trim();
  return {
    objects,
    run: {
      version: 'this machine',
      release,
      result: tests && { tests, features: JSON.parse(features.stdout || '{}') },
    },
  };
}

/** As many machines at a time as there are processors, since each is busy with one of its two most of the time; results in order. */
async function runMachines(folder, { sources, objects }) {
  const runs = [];
  const left = [...wanted.entries()];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [index, entry] = next;
      const own = join(folder, entry.version);
      mkdirSync(own);
      const tell = (line) => say(`${entry.version}: ${line}`);
      runs[index] = await runKernel(entry, { folder: own, sources, objects, limitMs, say: tell, ...values });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return runs;
}

async function main(folder) {
  spawnSync(process.execPath, [join(root, 'infra/build.mjs')], { stdio: 'inherit' });
  say('this machine');
  // Before the tests run here, so that a change of the sources meanwhile does not part them from the objects made of them.
  const sources = join(folder, 'sources.cpio');
  await sourcesArchive(sources);
  const { objects, run } = runOnHost(folder);
  const runs = [run, ...(await runMachines(folder, { sources, objects }))];
  const tallies = runs.map(tally);
  const all = wanted.length === matrix.length && !values.match && values.files === allFiles;
  const whole = all && runs.every(({ result }) => result);
  const idle = whole ? neverRun(runs).map((title) => `skipped on every kernel of the matrix: ${title}`) : [];
  tallies.push({ title: 'tests that no kernel runs', passed: 0, failures: idle, skips: [] });
  for (const { failures } of tallies) for (const failure of failures) say(`${failure}\n`);
  for (const { title, passed, failures, skips } of tallies)
    say(`${title}: ${passed} passed, ${failures.length} failed, ${skips.length} skipped`);
  if (whole) writeFileSync(join(root, 'docs/kernels.md'), renderTable(runs));
  const sum = (pick) => tallies.reduce((total, entry) => total + pick(entry), 0);
  const failed = sum(({ failures }) => failures.length);
  const passed = sum((entry) => entry.passed);
  console.log(`${passed} passed, ${failed} failed, ${sum(({ skips }) => skips.length)} skipped`);
  return failed === 0 && passed > 0;
}

const folder = mkdtempSync(join(tmpdir(), 'l3af-kernels-'));
chmodSync(folder, 0o755);
try {
  process.exitCode = (await main(folder)) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
