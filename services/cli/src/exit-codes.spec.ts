import { liveChain, rejectedChain } from './testing/answers';
import { accepted, applied, message, rejected } from './testing/messages';
import { capture } from './testing/captured';
import { startFixedApi, type Answer } from './testing/fixed-api';
import { expectGolden } from './testing/golden';

const chain = '/v1/nodes/demo-1/chains/l3af0/xdp';
const key = ['demo-1', 'l3af0', 'xdp'];

async function against(answers: Record<string, Answer | Answer[]>, args: string[], stdin = '') {
  await using api = await startFixedApi(answers);
  const result = await capture([...args, '--api', api.url], { stdin });
  return { ...result, stderr: result.stderr.replaceAll(api.url, 'API'), seen: api.seen };
}

describe('exit codes', () => {
  test.each([
    [[]],
    [['frobnicate']],
    [['chain']],
    [['chain', 'show']],
    [['chain', 'show', 'demo-1', 'l3af0']],
    [['chain', 'show', 'demo-1', 'l3af0', 'tc']],
    [['chain', 'insert', ...key, 'firewall', '--at', '0']],
    [['chain', 'insert', ...key, 'Fire Wall']],
    [['chain', 'move', ...key, 'x']],
    [['apply']],
    [['nodes', '-o', 'xml']],
    [['nodes', '--bogus']],
    [['kf', 'build', '.', '--version', 'not a version']],
    [['kf', 'search']],
    [['kf', 'yank', 'firewall@1.0.0']],
    [['kf', 'yank', 'firewall', '--reason', 'x']],
    [['kf', 'pull', 'firewall']],
    [['kf', 'export', 'firewall@1.0.0']],
    [['kf', 'sign', 'firewall@1.0.0']],
    [['chain', 'rollback', ...key]],
    [['explain', ...key]],
    [['explain', ...key, '--match', 'tcp']],
    [['explain', ...key, '--live', '--packet', '02'.repeat(60)]],
    [['explain', ...key, '--packet', '02'.repeat(60), '--count', '2']],
    [['explain', ...key, '--live', '--count', '0']],
    [['explain', ...key, '--live', '--timeout', '601']],
  ])('%j is a misuse: 2, and stdout stays empty', async (args) => {
    const { code, stdout, stderr } = await capture(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });

  test.each([[['--help']], [['chain', 'insert', '--help']], [['--version']]])('%j is 0', async (args) => {
    expect((await capture(args)).code).toBe(0);
  });

  test('an API that is not there is 1 and says what to run', async () => {
    const api = await startFixedApi({});
    await api[Symbol.asyncDispose]();
    const { code, stderr } = await capture(['nodes', '--api', api.url]);
    expect(code).toBe(1);
    expect(stderr).toContain(`Cannot reach the API "${api.url}": connection refused\n`);
    expect(stderr).toContain('`npm run up`');
  });

  test('a refusal of the API is 1, with message, causes, and hint', async () => {
    const problem = {
      code: 'unknown-node',
      title: 'Not Found',
      detail: 'Cannot show chain "demo-1/l3af0/xdp": no such node',
      hint: '`l3af nodes` lists the nodes that have registered',
      causes: ['first', 'second'],
    };
    const result = await against({ [`GET ${chain}`]: { json: problem, status: 404 } }, [
      'chain',
      'show',
      ...key,
    ]);
    expect(result.code).toBe(1);
    expectGolden('refusal.txt', result.stderr);
  });

  test('a rejection by the node is 1, with the KF, the last useful verifier line and where the log is', async () => {
    const result = await against(
      {
        [`DELETE ${chain}/kfs/x`]: { json: accepted(8), status: 202 },
        'GET /v1/events?watch=8': {
          events: [
            { data: applied(7) },
            { data: message(1, 'package.a', { type: 'Other', data: {} }) },
            { data: rejected(8) },
          ],
          open: true,
        },
      },
      ['chain', 'remove', ...key, 'x'],
    );
    expect(result.code).toBe(1);
    expect(result.stdout).toBe('');
    expectGolden('rejection.txt', result.stderr);
  });

  test('a report that does not come in time is 1 and says that the change is stored', async () => {
    const result = await against(
      {
        [`POST ${chain}/clear`]: { json: accepted(8), status: 202 },
        'GET /v1/events?watch=8': { events: [], open: true },
      },
      ['chain', 'clear', ...key, '--timeout', '0'],
    );
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('no report within 0 s');
    expect(result.stderr).toContain('The change is stored');
  });

  test('--no-wait is done when the change is stored', async () => {
    const result = await against({ [`DELETE ${chain}`]: { json: accepted(9), status: 202 } }, [
      'chain',
      'delete',
      ...key,
      '--no-wait',
      '--if-revision',
      '8',
    ]);
    expect(result.code).toBe(0);
    expect(result.seen[0]!.headers['if-match']).toBe('"8"');
  });

  test('a change that changes nothing is done at once when its revision is live, and refused when that was', async () => {
    const answers = (view: unknown) => ({
      [`PATCH ${chain}/kfs/x`]: { json: accepted(3, false), status: 202 },
      [`GET ${chain}`]: { json: view },
    });
    const args = ['kf', 'enable', ...key, 'x'];
    expect((await against(answers(liveChain), args)).code).toBe(0);
    const refused = await against(answers({ ...rejectedChain, hook: 'xdp' }), args);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('the verifier refused program "count"');
    expect(refused.stderr).toContain(
      'rejected as it is asked for; the same command with --retry tries it again',
    );
  });

  test('a rollback names the revision and says what it would do', async () => {
    const answer = {
      ...accepted(8),
      dryRun: true,
      change: { kind: 'rollback', summary: 'to revision 3: removed x' },
    };
    const result = await against({ [`POST ${chain}/rollback?dryRun=true`]: { json: answer, status: 202 } }, [
      ...['chain', 'rollback', ...key, '--to', '3', '--dry-run'],
    ]);
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('would become revision 8: to revision 3: removed x');
    expect(JSON.parse(result.seen[0]!.body.toString())).toEqual({ revision: 3 });
  });

  test('a revision that a later one superseded is done when that is live', async () => {
    const result = await against(
      {
        [`POST ${chain}/kfs/x/move`]: { json: accepted(8), status: 202 },
        'GET /v1/events?watch=8': { events: [{ data: applied(9) }], open: true },
      },
      ['chain', 'move', ...key, 'x', '--to', '2'],
    );
    expect(result.code).toBe(0);
    expect(result.stderr).toContain('revision 9 is live (revision 8 was superseded)');
  });

  test('an answer that is not of an L3AF API is 1 and no stack trace', async () => {
    const result = await against({ 'GET /v1/nodes': { text: '<html>hello</html>' } }, ['nodes']);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('Cannot read answer "API/v1/nodes": not JSON');
    expect(result.stderr).not.toContain('    at ');
  });
});

describe('apply', () => {
  const document = (hook: string, rest = 'kfs: [{package: firewall}]') =>
    `apiVersion: l3af/v1\nkind: Chain\nnode: demo-1\ninterface: l3af0\nhook: ${hook}\n${rest}\n`;

  test('stores nothing when any of the documents is wrong', async () => {
    const text = `${document('xdp')}---\n${document('tc')}`;
    const result = await against({}, ['apply', '-f', '-'], text);
    expect(result.code).toBe(1);
    expect(result.seen).toEqual([]);
    expect(result.stderr).toMatch(/^stdin:12:7: hook: /);
  });

  const tc = '/v1/nodes/demo-1/chains/l3af0/tc-ingress';
  const dry = (revision: number, changed = true) => ({
    json: {
      ...accepted(revision, changed),
      ...(changed && { change: { kind: 'apply', summary: 'added firewall@1.2.0' } }),
      dryRun: true,
    },
    status: 202,
  });

  test('stores nothing when the API would refuse a later document', async () => {
    const refusal = { code: 'unknown-package', detail: 'Cannot use package "nope": there is none' };
    const result = await against(
      { [`PUT ${chain}?dryRun=true`]: dry(8), [`PUT ${tc}?dryRun=true`]: { json: refusal, status: 404 } },
      ['apply', '-f', '-'],
      `${document('xdp')}---\n${document('tc-ingress', 'kfs: [{package: nope}]')}`,
    );
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('there is none');
    expect(result.seen.filter(({ path }) => !path.endsWith('?dryRun=true'))).toEqual([]);
  });

  test('--dry-run prints what would change, stores nothing and waits for nothing', async () => {
    const answers = { [`PUT ${chain}?dryRun=true`]: dry(8), [`PUT ${tc}?dryRun=true`]: dry(3, false) };
    const text = `${document('xdp')}---\n${document('tc-ingress')}`;
    const result = await against(answers, ['apply', '-f', '-', '--dry-run'], text);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toBe(
      'demo-1/l3af0/xdp: would become revision 8: added firewall@1.2.0\n' +
        'demo-1/l3af0/tc-ingress: already as asked by revision 3\n',
    );
    expect(result.seen).toHaveLength(2);
  });

  test('--retry asks for a new revision of the same chain', async () => {
    const result = await against(
      {
        [`PUT ${chain}?retry=true`]: { json: accepted(8), status: 202 },
        'GET /v1/events?watch=8': { events: [{ data: applied(8) }], open: true },
      },
      ['apply', '-f', '-', '--retry'],
      document('xdp'),
    );
    expect(result.code).toBe(0);
    expect(result.stderr).toContain('revision 8 is live');
  });

  test('stores every document, waits for each and prints one result per document', async () => {
    const view = message(601, 'report.demo-1.l3af0.tc-ingress', {
      type: 'ChainDetached',
      data: { node: 'demo-1', interface: 'l3af0', hook: 'tc-ingress', revision: 1, sequence: 401 },
    });
    const result = await against(
      {
        [`PUT ${chain}?dryRun=true`]: dry(8),
        [`PUT ${tc}?dryRun=true`]: dry(1),
        [`PUT ${chain}`]: { json: accepted(8), status: 202 },
        [`PUT ${tc}`]: { json: accepted(1), status: 202 },
        'GET /v1/events?watch=8': { events: [{ data: applied(8) }], open: true },
        'GET /v1/events?watch=1': { events: [{ data: view }], open: true },
      },
      ['apply', '-f', '-', '-o', 'json'],
      `${document('xdp')}---\n${document('tc-ingress', 'kfs: []')}`,
    );
    expect(result.code).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject([{ hook: 'xdp' }, { hook: 'tc-ingress' }]);
  });
});
