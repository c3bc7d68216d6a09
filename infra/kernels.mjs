// `npm run test:kernels [-- VERSION… --files PATTERN --match PATTERN --verbose]`: the kernel suite on this machine's kernel, then on Debian's 5.10, 6.1 and 6.12 under
// qemu; a whole run writes docs/kernels.md. The last line is `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setup } from './setup.mjs';
import { oneByOne } from './test/jest.mjs';
import { root } from './up/home.mjs';

setup({ tests: true });
const { fetchKernel, matrix } = await import('./vm/kernels.mjs');
const { baseArchive, modulesArchive, projectArchive } = await import('./vm/initramfs.mjs');
const { boot, joinArchives } = await import('./vm/boot.mjs');
const { renderTable } = await import('./vm/table.mjs');

const allFiles = '(libs/kernel|bpf)/';
const limitMs = 40 * 60_000;
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

/** Runs the suite on the host, with every object that a test compiles kept for the virtual machines. */
function runOnHost(folder, patterns) {
  const bin = join(folder, 'bin');
  const objects = join(folder, 'objects');
  const temporary = join(folder, 'tmp');
  for (const path of [bin, objects, temporary]) mkdirSync(path, { mode: 0o755 });
  writeFileSync(join(bin, 'clang'), readFileSync(join(root, 'infra/vm/clang.sh')), { mode: 0o755 });
  const outputFile = join(folder, 'host.json');
  const args = ['--selectProjects', 'kernel', ...oneByOne, '--json', '--outputFile', outputFile, ...patterns];
  const result = spawnSync(process.execPath, [join(root, 'node_modules/jest/bin/jest.js'), ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', values.verbose ? 'inherit' : 'ignore'],
    env: {
      ...process.env,
      PATH: `${bin}:${process.env.PATH}`,
      CLANG: '/usr/bin/clang',
      OBJECTS: objects,
      TMPDIR: temporary,
    },
  });
  if (result.error) throw result.error;
  const probe = "process.stdout.write(JSON.stringify(require('@l3af/kernel').probeFeatures()))";
  const features = spawnSync(process.execPath, ['-e', probe], { cwd: root, encoding: 'utf8' });
  return {
    objects,
    result: {
      tests: JSON.parse(readFileSync(outputFile, 'utf8')),
      features: JSON.parse(features.stdout || '{}'),
    },
  };
}

async function runInMachine(entry, { folder, objects, patterns }) {
  const kernel = fetchKernel(entry, say);
  const project = join(folder, 'project.cpio');
  await projectArchive(project, { args: patterns, objects });
  const initramfs = join(folder, 'initramfs.cpio');
  await joinArchives(initramfs, [baseArchive(), modulesArchive(kernel), project]);
  say(`booting ${kernel.release}`);
  const { result, lines } = await boot({
    image: kernel.image,
    initramfs,
    limitMs,
    onLine: values.verbose ? say : undefined,
  });
  if (!result) say(lines.slice(-40).join('\n'));
  return { version: entry.version, release: kernel.release, result };
}

function count({ version, release, result }) {
  const tests = result?.tests;
  if (!tests) return { version, release, passed: 0, failed: 1, skipped: 0 };
  const broken = tests.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  for (const { name, message } of broken) say(`${version}: ${name}\n${message}`);
  for (const file of tests.testResults) {
    for (const test of file.assertionResults.filter(({ status }) => status === 'failed')) {
      say(
        `${version}: ${test.fullName}\n${test.failureMessages.join('\n').split('\n').slice(0, 25).join('\n')}\n`,
      );
    }
  }
  return {
    version,
    release,
    passed: tests.numPassedTests,
    failed: tests.numFailedTests + broken.length,
    skipped: tests.numPendingTests,
  };
}

async function main(folder) {
  spawnSync(process.execPath, [join(root, 'infra/build.mjs')], { stdio: 'inherit' });
  const patterns = [values.files, ...(values.match ? ['-t', values.match] : [])];
  say('this machine');
  const host = runOnHost(folder, patterns);
  const runs = [
    {
      version: 'this machine',
      release: spawnSync('uname', ['-r'], { encoding: 'utf8' }).stdout.trim(),
      result: host.result,
    },
  ];
  for (const entry of wanted)
    runs.push(await runInMachine(entry, { folder, objects: host.objects, patterns }));
  const counts = runs.map(count);
  for (const { version, release, passed, failed, skipped } of counts)
    say(`${version} (${release}): ${passed} passed, ${failed} failed, ${skipped} skipped`);
  const whole = wanted.length === matrix.length && !values.match && values.files === allFiles;
  if (whole && counts.every(({ failed }) => failed === 0))
    writeFileSync(join(root, 'docs/kernels.md'), renderTable(runs));
  const sum = (key) => counts.reduce((total, entry) => total + entry[key], 0);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
  return sum('failed') === 0 && sum('passed') > 0;
}

const folder = mkdtempSync(join(tmpdir(), 'l3af-kernels-'));
try {
  process.exitCode = (await main(folder)) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
