// One kernel of the matrix from download to result.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { boot, joinArchives } from './boot.mjs';
import { baseArchive, modulesArchive, projectArchive } from './initramfs.mjs';
import { fetchKernel } from './kernels.mjs';
import { fewRounds } from './record.mjs';

/**
 * Boots a kernel and runs the tests whose path matches `files` (and whose name matches `match`) on it. `result` is undefined when the
 * machine did not get to the end.
 */
export async function runKernel(entry, { folder, objects, files, match, limitMs, verbose, say }) {
  const kernel = fetchKernel(entry, say);
  const project = join(folder, 'project.cpio');
  const initramfs = join(folder, 'initramfs.cpio');
  await projectArchive(project, { args: { files, match, environment: fewRounds }, objects });
  await joinArchives(initramfs, [baseArchive(), modulesArchive(kernel), project]);
  say(`booting ${kernel.release}`);
  try {
    const { result, lines } = await boot({
      image: kernel.image,
      initramfs,
      limitMs,
      onLine: verbose ? say : undefined,
    });
    if (!result) say(lines.slice(-40).join('\n'));
    return { version: entry.version, release: kernel.release, result };
  } finally {
    rmSync(initramfs, { force: true });
  }
}

/** Tests of a run by what became of them; a file that could not be run is a failure of its own. */
export function tally({ version, release, result }) {
  const title = `${version} (${release})`;
  const tests = result?.tests;
  if (!tests)
    return { title, passed: 0, failures: [`${title}: the machine did not get to the end`], skips: [] };
  const all = tests.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({ ...test, name })),
  );
  const broken = tests.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  const of = (status) => all.filter((test) => test.status === status);
  return {
    title,
    passed: of('passed').length,
    failures: [
      ...broken.map(({ name, message }) => `${title}: ${name}: ${message}`),
      ...of('failed').map(
        ({ fullName, failureMessages }) =>
          `${title}: ${fullName}\n${failureMessages.join('\n').split('\n').slice(0, 25).join('\n')}`,
      ),
    ],
    skips: of('pending').map(({ name, fullName }) => ({ path: `${version}: ${name}`, title: fullName })),
  };
}

/** Titles of tests that were skipped on every kernel of a whole run: nothing could ever run them. */
export function neverRun(runs) {
  const outcomes = new Map();
  for (const { result } of runs) {
    for (const test of result?.tests.testResults.flatMap((file) => file.assertionResults) ?? []) {
      const title = test.fullName.replace(/ ?\[skipped: .*\]/, '');
      outcomes.set(title, (outcomes.get(title) ?? false) || test.status !== 'pending');
    }
  }
  return [...outcomes].filter(([title, ran]) => !ran && title !== '').map(([title]) => title);
}
