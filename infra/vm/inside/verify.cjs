// Verifies objects in a virtual machine, all in one process: starting one takes seconds there. Another follows when that one is
// ended by a signal, with the objects that are left.
const { spawnSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { release } = require('node:os');
const { join } = require('node:path');
const { addResult, printResult, readResults } = require('./results.cjs');

const jobs = JSON.parse(readFileSync('/jobs/jobs.json', 'utf8'));

async function verifyOne({ object, tests }) {
  const { verifyObject } = require('./services/executor/dist/verify/verify-object.js');
  const { readTests } = require('./services/executor/dist/verify/read-tests.js');
  const { toWireError } = require('@l3af/contracts');
  try {
    const files = tests.map((name) => join('/jobs', name));
    const bytes = new Uint8Array(readFileSync(join('/jobs', object)));
    // Emulated, so that a time says nothing.
    return await verifyObject({ object: bytes, tests: readTests(files, undefined), timing: false });
  } catch (error) {
    return { ok: false, error: toWireError(error) };
  }
}

async function verifyAll(indexes) {
  for (const index of indexes) {
    const report = await verifyOne(jobs[index]);
    addResult({ index, report });
  }
}

function main() {
  for (;;) {
    const done = new Set(readResults().map(({ index }) => index));
    const left = jobs.map((_, index) => String(index)).filter((index) => !done.has(Number(index)));
    if (left.length === 0) break;
    const { signal, status } = spawnSync(process.execPath, [__filename, ...left], { stdio: 'inherit' });
    if (signal === null && status === 0) continue;
    const index = Number(left.find((one) => !readResults().some((result) => result.index === Number(one))));
    const message = `Cannot verify: the process that loaded it ended with ${signal ?? `exit code ${status}`}`;
    const report = { ok: false, error: { code: 'kernel-error', message } };
    addResult({ index, report });
  }
  const reports = readResults().sort((a, b) => a.index - b.index);
  printResult({ release: release(), reports: reports.map(({ report }) => report) });
}

if (process.argv.length > 2) void verifyAll(process.argv.slice(2).map(Number)).then(() => process.exit(0));
else main();
