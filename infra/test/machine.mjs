// A quick part of the kernel tests on one older kernel, as a step of `npm test`; `npm run test:kernels` runs them all on all of the matrix.
import { spawnSync } from 'node:child_process';
import { reasonOf } from './jest.mjs';

const version = '6.1';
const files = 'libs/kernel/src/(attach/|features/|chain/(chain|any-program|drift|refusals|state))';
const limitMs = 8 * 60_000;

const skipped = (reason) => ({
  name: 'machine',
  passed: 0,
  failed: 0,
  failures: [],
  skips: [{ path: 'infra/vm', title: `the kernel tests on Linux ${version}`, reason }],
});

/** Boots the kernel and runs the tests with the objects that the tests on the host have compiled. */
export async function testInMachine({ folder, objects, deadline, say }) {
  if (spawnSync('qemu-system-x86_64', ['--version']).error) return skipped('qemu cannot be installed here');
  const { fetchKernel, matrix } = await import('../vm/kernels.mjs');
  const { runKernel } = await import('../vm/run.mjs');
  const { tally } = await import('../vm/results.mjs');
  const entry = matrix.find((one) => one.version === version);
  try {
    fetchKernel(entry, say);
  } catch (error) {
    return skipped(`Debian's kernel cannot be downloaded: ${error.message.split('\n')[0]}`);
  }
  const left = Math.max(1000, Math.min(limitMs, deadline - Date.now()));
  const run = await runKernel(entry, { folder, objects, files, limitMs: left, say });
  const { passed, failures, skips } = tally(run);
  for (const failure of failures) console.error(`${failure}\n`);
  return {
    name: 'machine',
    passed,
    failed: failures.length,
    failures: failures.map((failure) => failure.split('\n')[0]),
    skips: skips.map((skip) => ({ ...skip, reason: reasonOf(skip.title) })),
  };
}
