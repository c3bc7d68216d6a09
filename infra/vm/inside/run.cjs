// Runs the tests of a virtual machine and says what its kernel can do. Jest itself would spend most of the time on starting: here its
// own describe, test and expect (jest-circus) run all files in one process; another follows when that one is ended by a signal.
const { spawnSync } = require('node:child_process');
const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { addResult, printResult, readResults } = require('./results.cjs');

const { files: wanted, match, environment } = JSON.parse(readFileSync(join(__dirname, 'args.json'), 'utf8'));

function findFiles(folder) {
  return readdirSync(join(__dirname, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return findFiles(path);
      return path.endsWith('.kernel.spec.js') && new RegExp(wanted).test(path) ? [path] : [];
    })
    .sort();
}

async function runFile(path) {
  const circus = require('jest-circus');
  circus.resetState();
  if (match) circus.setState({ ...circus.getState(), testNamePattern: new RegExp(match, 'i') });
  require(join(__dirname, path));
  const { testResults, unhandledErrors } = await circus.run();
  return {
    name: path,
    message: unhandledErrors.join('\n'),
    status: unhandledErrors.length > 0 ? 'failed' : 'passed',
    assertionResults: testResults.map(({ testPath: [, ...titles], status, errors, duration }) => ({
      ancestorTitles: titles.slice(0, -1),
      title: titles.at(-1),
      fullName: titles.join(' '),
      status: errors.length > 0 ? 'failed' : status === 'done' ? 'passed' : 'pending',
      failureMessages: errors,
      duration,
    })),
  };
}

const outcomeOf = ({ status, assertionResults }) =>
  status === 'failed' || assertionResults.some((test) => test.status === 'failed') ? 'FAIL' : 'PASS';

async function runFiles(paths) {
  const circus = require('jest-circus');
  const { jestExpect } = require('@jest/expect');
  Object.assign(globalThis, circus, { expect: jestExpect, jest: { setTimeout: () => undefined } });
  globalThis[Symbol.for('TEST_TIMEOUT_SYMBOL')] = 3_600_000; // the machine as a whole has a limit
  for (const path of paths) {
    const started = Date.now();
    const result = await runFile(path).catch((error) => ({
      ...{ name: path, status: 'failed', assertionResults: [], message: String(error?.stack ?? error) },
    }));
    addResult(result);
    console.log(`${outcomeOf(result)} ${path} (${Math.round((Date.now() - started) / 100) / 10} s)`);
    for (const { fullName, failureMessages } of result.assertionResults)
      for (const failure of failureMessages) console.log(`${fullName}\n${failure}`);
    if (result.message) console.log(result.message);
  }
}

function runAll() {
  const paths = findFiles('libs/kernel/src').concat(findFiles('bpf'));
  for (;;) {
    const left = paths.filter((path) => !readResults().some(({ name }) => name === path));
    if (left.length === 0) return readResults();
    const { signal, status } = spawnSync(process.execPath, [__filename, ...left], {
      stdio: 'inherit',
      env: { ...process.env, ...environment },
    });
    const missed = left.find((path) => !readResults().some(({ name }) => name === path));
    if (missed === undefined) return readResults();
    const message = `the process ended with ${signal ?? `exit code ${status}`}`;
    console.log(`FAIL ${missed}: ${message}`);
    const result = { name: missed, status: 'failed', message, assertionResults: [] };
    addResult(result);
  }
}

function probe() {
  try {
    return require('@l3af/kernel').probeFeatures();
  } catch (error) {
    return { error: error.message };
  }
}

function summary(testResults) {
  const count = (status) =>
    testResults.flatMap((file) => file.assertionResults).filter((test) => test.status === status).length;
  return {
    testResults,
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('pending'),
  };
}

function main() {
  printResult({ tests: summary(runAll()), features: probe() });
}

if (process.argv.length > 2) void runFiles(process.argv.slice(2)).then(() => process.exit(0));
else main();
