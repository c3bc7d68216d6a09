// Runs Jest and reads its result; Jest prints failures itself.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, readJson } from '../up/home.mjs';

const endWithinMs = 30_000;

/** Why a test was skipped, as its title says. */
export const reasonOf = (title) => /\[skipped: (.*?)\]/.exec(title)?.[1] ?? 'no reason given';

function summarise(name, result) {
  if (!result)
    return { name, passed: 0, failed: 1, skips: [], failures: [`${name}: Jest ended without a result`] };
  const tests = result.testResults.flatMap(({ name: path, assertionResults }) =>
    assertionResults.map((test) => ({ ...test, path: path.slice(root.length + 1) })),
  );
  const broken = result.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  const failures = [
    ...tests.filter(({ status }) => status === 'failed').map(({ path, fullName }) => `${path}: ${fullName}`),
    ...broken.map(({ name: path }) => `${path.slice(root.length + 1)}: the file could not be run`),
  ];
  const skips = tests
    .filter(({ status }) => ['pending', 'skipped', 'todo', 'disabled'].includes(status))
    .map(({ path, fullName }) => ({ path, title: fullName, reason: reasonOf(fullName) }));
  return { name, passed: result.numPassedTests, failed: failures.length, skips, failures };
}

/** Ends Jest when it has written its result but does not end: something of a test still holds it. */
function watchEnd(child, outputFile, onHung) {
  let seenAt;
  return setInterval(() => {
    if (!existsSync(outputFile)) return;
    seenAt ??= Date.now();
    if (Date.now() - seenAt < endWithinMs) return;
    onHung();
    child.kill('SIGKILL');
  }, 1000);
}

/**
 * One file at a time, each in a process of its own: kernel tests share the machine's kernel, and libbpf keeps what is registered
 * with it for the life of the process, while Jest gives every file its modules anew.
 */
export const oneByOne = ['--maxWorkers=1', '--workerIdleMemoryLimit=1000'];

/** Runs the projects; `args` are Jest's own. */
export function runJest({ name, projects, args, env, temporary, deadline }) {
  return new Promise((resolve) => {
    const outputFile = join(temporary, '..', `${name}-result.json`);
    const child = spawn(
      process.execPath,
      [
        join(root, 'node_modules/jest/bin/jest.js'),
        '--selectProjects',
        ...projects,
        '--passWithNoTests',
        '--json',
        '--outputFile',
        outputFile,
        ...args,
      ],
      { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    let hung = false;
    const watch = watchEnd(child, outputFile, () => (hung = true));
    const limit = setTimeout(() => child.kill('SIGKILL'), Math.max(1000, deadline - Date.now()));
    child.on('close', (code) => {
      clearInterval(watch);
      clearTimeout(limit);
      const summary = summarise(name, readJson(outputFile));
      if (hung) {
        summary.failed++;
        summary.failures.push(`${name}: Jest did not end by itself; a test has left something open`);
      } else if (code !== 0 && summary.failed === 0) {
        summary.failed++;
        summary.failures.push(`${name}: Jest ended with exit code ${code}`);
      }
      resolve(summary);
    });
  });
}
