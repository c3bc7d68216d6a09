import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const url = pathToFileURL(join(__dirname, 'results.mjs')).href;

/** Calls a function of the module with JSON and gives its result. */
function call<T>(name: 'neverRun' | 'tally', argument: unknown): T {
  const source = `import { ${name} } from ${JSON.stringify(url)};
    process.stdout.write(JSON.stringify(${name}(${JSON.stringify(argument)})));`;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(result.stderr);
  return JSON.parse(result.stdout) as T;
}

interface Test {
  fullName: string;
  status: string;
  failureMessages?: string[];
}

const run = (
  version: string,
  tests: Test[],
  more: { name?: string; status?: string; message?: string } = {},
) => ({
  version,
  release: `${version}.0`,
  result: { tests: { testResults: [{ name: 'a.js', status: 'passed', assertionResults: tests, ...more }] } },
});
const skipped = (title: string, reason: string): Test => ({
  fullName: `${title} [skipped: ${reason}]`,
  status: 'pending',
});
const passed = (fullName: string): Test => ({ fullName, status: 'passed' });

describe('a test that no kernel runs', () => {
  it('is named, whatever the reasons for which it was skipped', () => {
    const runs = [
      run('5.10', [skipped('x does y', 'needs Linux 6.6: tcx'), passed('z')]),
      run('6.12', [skipped('x does y', 'this machine does not permit freplace'), skipped('z', 'no')]),
    ];
    expect(call('neverRun', runs)).toEqual(['x does y']);
  });
  it('is none when one kernel ran it, even if it failed there', () => {
    const failed = { fullName: 'x does y', status: 'failed', failureMessages: ['no'] };
    const runs = [run('5.10', [skipped('x does y', 'needs Linux 6.6: tcx')]), run('6.12', [failed])];
    expect(call('neverRun', runs)).toEqual([]);
  });
});

describe('what came of a run', () => {
  it('counts a machine that did not get to the end as a failure', () => {
    expect(call('tally', { version: '6.1', release: '6.1.0' })).toMatchObject({
      passed: 0,
      failures: ['6.1 (6.1.0): the machine did not get to the end'],
    });
  });
  it('counts a file that could not be run as a failure beside those of its tests', () => {
    const broken = run('6.1', [passed('a')], { status: 'failed', message: 'no object was kept' });
    expect(call('tally', broken)).toMatchObject({
      passed: 1,
      failures: ['6.1 (6.1.0): a.js: no object was kept'],
    });
    const failing = run(
      '6.1',
      [{ fullName: 'b', status: 'failed', failureMessages: ['Error: 1 is not 2'] }],
      {
        status: 'failed',
      },
    );
    expect(call('tally', failing)).toMatchObject({
      passed: 0,
      failures: ['6.1 (6.1.0): b\nError: 1 is not 2'],
    });
  });
});
