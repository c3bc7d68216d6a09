import { firewallPackage, liveChain, nodes, rejectedChain } from './testing/answers';
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

  const known = {
    'GET /v1/nodes/demo-1': { json: nodes[0] },
    'GET /v1/packages/firewall': { json: firewallPackage },
  };
  const unknown = {
    json: { code: 'unknown-package', detail: 'Cannot show package "nope": there is none' },
    status: 404,
  };

  test.each([
    ['an unknown package', 'kfs: [{package: nope}]', 'there is none'],
    ['an unknown version', 'kfs: [{package: firewall@9}]', 'no such version'],
    [
      'a value that does not fit',
      'kfs: [{package: firewall, config: {default_action: sing}}]',
      'config.default_action',
    ],
    ['an unknown interface', 'interface: eth9\nkfs: []', 'node demo-1 has l3af0'],
  ])('stores nothing when a later document names %s', async (_name, rest, reason) => {
    const later = rest.startsWith('interface')
      ? document('tc-egress', rest).replace('interface: l3af0\n', '')
      : document('tc-egress', rest);
    const noChain = { json: { code: 'unknown-chain', detail: 'there is none' }, status: 404 };
    const result = await against(
      { ...known, 'GET /v1/packages/nope': unknown, 'GET /v1/nodes/demo-1/chains/eth9/tc-egress': noChain },
      ['apply', '-f', '-'],
      `${document('xdp')}---\n${later}`,
    );
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(reason);
    expect(result.seen.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  test('stores every document, waits for each and prints one result per document', async () => {
    const view = message(601, 'report.demo-1.l3af0.tc-ingress', {
      type: 'ChainDetached',
      data: { node: 'demo-1', interface: 'l3af0', hook: 'tc-ingress', revision: 1, sequence: 401 },
    });
    const result = await against(
      {
        ...known,
        [`PUT ${chain}`]: { json: accepted(8), status: 202 },
        'PUT /v1/nodes/demo-1/chains/l3af0/tc-ingress': { json: accepted(1), status: 202 },
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
