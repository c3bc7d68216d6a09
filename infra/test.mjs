// `npm test [-- PATTERN…]`: installs what is missing, builds, checks types, runs every test this machine can run, looks for what
// they left behind. The last line is `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { oneByOne, runJest } from './test/jest.mjs';
import { testInMachine } from './test/machine.mjs';
import { root } from './up/home.mjs';

const limitMs = 42 * 60_000;
const patterns = process.argv.slice(2);
const whole = patterns.length === 0;
const started = Date.now();
const say = (line) => console.error(`[${Math.round((Date.now() - started) / 1000)} s] ${line}`);

/** A step that is one program; its output is shown only when it fails. */
function step(name, command, args) {
  say(name);
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (result.status === 0) return { name, passed: 0, failed: 0, skips: [], failures: [] };
  console.error(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  return { name, passed: 0, failed: 1, skips: [], failures: [`${name}: exit code ${result.status}`] };
}

/**
 * Tests that are skipped without anybody noticing prove nothing: the number is committed, and so are the reasons that depend on what
 * else is installed.
 */
function checkSkips(skips) {
  const { skipped: known, optional } = JSON.parse(readFileSync(join(root, 'infra/skips.json'), 'utf8'));
  const counted = skips.filter(({ reason }) => !optional.includes(reason)).length;
  if (!whole || counted <= known) return [];
  return [`${counted} tests were skipped, ${known} are known; if that is right, change infra/skips.json`];
}

function printSkips(skips) {
  const byReason = Map.groupBy ? Map.groupBy(skips, ({ reason }) => reason) : new Map();
  if (!Map.groupBy)
    for (const skip of skips) byReason.set(skip.reason, [...(byReason.get(skip.reason) ?? []), skip]);
  for (const [reason, tests] of byReason) {
    console.error(`skipped ${tests.length}: ${reason}`);
    for (const { path, title } of tests) console.error(`    ${path}: ${title}`);
  }
}

async function runTests() {
  // A folder of its own for temporary files, open to the user postgres: what is left in it was forgotten by a test.
  const folder = mkdtempSync(join(tmpdir(), 'l3af-test-'));
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  chmodSync(folder, 0o755);
  chmodSync(temporary, 0o1777);
  const { describeLeftovers, findLeftovers, endLeftovers, runMark, takeStock } =
    await import('./test/leftovers.mjs');
  const runId = randomUUID();
  const env = { ...process.env, TMPDIR: temporary, [runMark]: runId, NX_DAEMON: 'false', FORCE_COLOR: '0' };
  const before = takeStock();
  const common = { env, temporary, deadline: started + limitMs };
  const args = [...(process.env.CI ? ['--ci'] : []), ...patterns];
  const results = [];
  try {
    say('unit and int tests');
    results.push(
      await runJest({
        name: 'unit-int',
        projects: ['unit', 'int'],
        args: ['--maxWorkers=2', ...args],
        ...common,
      }),
    );
    say('kernel tests');
    const kernel = { projects: ['kernel'], ...common };
    if (whole) {
      // Only these are repeated on another kernel; what the services compile goes into a sandbox, which has no stand-in for clang.
      const { recordObjects } = await import('./vm/record.mjs');
      const { objects, env: recording } = recordObjects(folder);
      const repeated = { ...kernel, env: { ...env, ...recording } };
      results.push(
        await runJest({ ...repeated, name: 'kernel', args: [...oneByOne, ...args, `^${root}/(libs|bpf)/`] }),
        await runJest({
          ...kernel,
          name: 'kernel-services',
          args: [...oneByOne, ...args, `^${root}/services/`],
        }),
      );
      say('kernel tests on another kernel');
      results.push(await testInMachine({ folder, objects, deadline: common.deadline, say }));
    } else {
      results.push(await runJest({ ...kernel, name: 'kernel', args: [...oneByOne, ...args] }));
    }
    say('e2e tests');
    results.push(await runJest({ name: 'e2e', projects: ['e2e'], args: [...oneByOne, ...args], ...common }));
    const left = findLeftovers(before, { runId, temporary });
    const lines = describeLeftovers(left);
    results.push({
      name: 'leftovers',
      passed: 0,
      failed: lines.length,
      skips: [],
      failures: lines.map((line) => `left behind: ${line}`),
    });
    await endLeftovers(left);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

async function main() {
  setup({ tests: true, say });
  const results = [step('build', process.execPath, ['infra/build.mjs'])];
  if (whole)
    results.push(step('types', process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']));
  results.push(...(await runTests()));
  const skips = results.flatMap((result) => result.skips);
  const failures = [...results.flatMap((result) => result.failures), ...checkSkips(skips)];
  printSkips(skips);
  if (failures.length > 0) console.error(`\nfailed:\n${failures.map((line) => `  ${line}`).join('\n')}\n`);
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  say('done');
  console.log(`${passed} passed, ${failures.length} failed, ${skips.length} skipped`);
  return failures.length === 0 && passed > 0 ? 0 : 1;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exit(1);
}
