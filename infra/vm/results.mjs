// What came of the kernel tests on the kernels of a run. Pure.

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
