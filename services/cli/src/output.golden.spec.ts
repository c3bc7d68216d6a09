import type { Command } from 'commander';
import { createProgram } from './program';
import { runCli } from './run-cli';
import {
  builds,
  emptyChain,
  explanation,
  liveExplanation,
  timing,
  history,
  liveChain,
  nodes,
  policy,
  rejectedChain,
  status,
  trust,
} from './testing/answers';
import { firewallDetails, firewallPackage } from './testing/package.answers';
import { accepted, applied, message, rejected } from './testing/messages';
import { capture } from './testing/captured';
import { startFixedApi } from './testing/fixed-api';
import { expectGolden } from './testing/golden';

const chain = '/v1/nodes/demo-1/chains/l3af0/xdp';
const answers = {
  [`GET ${chain}`]: { json: liveChain },
  'GET /v1/nodes/demo-1/chains': { json: [emptyChain, rejectedChain, liveChain] },
  [`GET ${chain}/history`]: { json: history },
  [`GET ${chain}/kfs/edge-firewall/maps/deny_sources`]: {
    json: {
      map: 'deny_sources',
      type: 'lpm_trie',
      entries: [
        { key: '203.0.113.0/24', value: 1 },
        { key: { protocol: 'udp', port: 53 }, value: { packets: 3, last: { at: [1, 2] } } },
      ],
      truncated: true,
    },
  },
  [`POST ${chain}/explain`]: { json: explanation },
  [`POST ${chain}/explain/live`]: {
    events: [
      { event: 'packet', data: liveExplanation },
      { event: 'packet', data: { ...liveExplanation, number: 2 } },
      { event: 'end', data: { reason: 'count', packets: 2, incomplete: 0 } },
    ],
  },
  [`POST ${chain}/counters/reset`]: {
    json: {
      ...{ interface: 'l3af0', hook: 'xdp', revision: 7, generation: 7 },
      kfs: [
        { name: 'edge-firewall', verdicts: { DROP: 1500, ABORTED: 2 }, proceeded: 90210 },
        { name: 'fair-share', verdicts: {}, proceeded: 90210 },
      ],
    },
  },
  [`POST ${chain}/time`]: { json: timing },
  'GET /v1/nodes': { json: nodes },
  'GET /v1/packages': { json: [firewallPackage, { name: 'empty', versions: [] }] },
  'GET /v1/packages/firewall': { json: firewallPackage },
  'GET /v1/packages/firewall/versions/1.2.0': { json: firewallDetails },
  'GET /v1/packages?text=deny+ipv6&hook=xdp&kernel=6.18': { json: [firewallPackage] },
  'POST /v1/packages/firewall/versions/1.2.0/yank': {
    json: { name: 'firewall', version: '1.2.0', sequence: 9, usedBy: firewallDetails.usedBy },
    status: 202,
  },
  'GET /v1/builds': { json: builds },
  'GET /v1/events?follow=false': { events: [applied(7), rejected(8)].map((data) => ({ data })) },
  'GET /v1/status': { json: status },
  'GET /v1/nodes/edge-2/chains': { json: [] },
  'GET /v1/trust/default': { json: trust },
  'GET /v1/policies/edge': { json: policy },
};

const readings = {
  'chain-show': ['chain', 'show', 'demo-1', 'l3af0', 'xdp'],
  'chain-show-node': ['chain', 'show', 'demo-1'],
  'chain-history': ['chain', 'history', 'demo-1', 'l3af0', 'xdp'],
  'chain-reset-counters': ['chain', 'reset-counters', 'demo-1', 'l3af0', 'xdp', '--reason', 'a test'],
  'map-dump': ['map', 'dump', 'demo-1', 'l3af0', 'xdp', 'edge-firewall', 'deny_sources'],
  time: ['time', 'demo-1', 'l3af0', 'xdp', '--seconds', '2'],
  explain: ['explain', 'demo-1', 'l3af0', 'xdp', '--packet', '02'.repeat(60)],
  'explain-live': ['explain', 'demo-1', 'l3af0', 'xdp', '--live', '--match', 'udp', '--count', '2'],
  nodes: ['nodes'],
  'kf-list': ['kf', 'list'],
  'kf-show': ['kf', 'show', 'firewall'],
  'kf-search': ['kf', 'search', 'deny', 'ipv6', '--hook', 'xdp', '--kernel', '6.18'],
  'kf-yank': ['kf', 'yank', 'firewall@1.2.0', '--reason', 'broken'],
  'kf-builds': ['kf', 'builds'],
  events: ['events'],
  status: ['status'],
  'trust-show': ['trust', 'show'],
  'policy-show': ['policy', 'show', '--group', 'edge'],
};

describe('what commands print', () => {
  test('help of every command is as the golden says', () => {
    const sink = { write: () => undefined };
    const stdin = (async function* () {})();
    const program = createProgram({ stdout: sink, stderr: sink, stdin, env: {}, root: '/' });
    const pages = everyCommand(program).map(
      ([name, command]) => `$ ${name} --help\n${command.helpInformation()}`,
    );
    expectGolden('help.txt', pages.join('\n'));
  });

  test.each(Object.entries(readings))(
    'table of %s is as the golden says and fits 100 columns',
    async (name, args) => {
      await using api = await startFixedApi(answers);
      const { code, stdout } = await capture([...args, '--api', api.url]);
      expect(code).toBe(0);
      const shown = stdout.replaceAll(api.url, 'http://127.0.0.1:8400');
      expectGolden(`${name}.txt`, shown);
      const wide = name === 'events' ? [] : shown.split('\n').filter((line) => line.length > 100);
      expect(wide).toEqual([]);
    },
  );

  test('-o json and -o yaml print what the API answered, alone, unknown fields included', async () => {
    const extended = { ...liveChain, future: 'field' };
    await using api = await startFixedApi({ [`GET ${chain}`]: { json: extended } });
    const json = await capture(['chain', 'show', 'demo-1', 'l3af0', 'xdp', '-o', 'json', '--api', api.url]);
    expect(JSON.parse(json.stdout)).toEqual(extended);
    expect(json.stderr).toBe('');
    const yaml = await capture(['chain', 'show', 'demo-1', 'l3af0', 'xdp', '-o', 'yaml', '--api', api.url]);
    expect(yaml.stdout).toContain('name: edge-firewall\n');
  });

  test('colours appear on a terminal, and not when NO_COLOR is set', async () => {
    await using api = await startFixedApi(answers);
    const onTerminal = async (env: Record<string, string>) => {
      let text = '';
      const stdout = { isTTY: true, columns: 120, write: (more: string) => void (text += more) };
      const stdin = (async function* () {})();
      await runCli(['nodes', '--api', api.url], { stdout, stderr: stdout, stdin, env, root: '/' });
      return text;
    };
    expect(await onTerminal({ TERM: 'xterm' })).toContain('\u001b[32mready\u001b[39m');
    expect(await onTerminal({ TERM: 'xterm', NO_COLOR: '1' })).not.toContain('\u001b');
  });

  test('`events --follow -o json` prints a line of JSON per event and goes on after the connection broke', async () => {
    const path = 'GET /v1/events?follow=true&from=3';
    const first = message(3, 'package.a', { type: 'X', data: {} });
    const second = message(4, 'package.a', { type: 'Y', data: {} });
    await using api = await startFixedApi({
      [path]: [
        { events: [{ id: 3, data: first }] },
        { events: [{ id: 4, data: second }] },
        { json: { code: 'unknown-node', detail: 'the end of this test' }, status: 404 },
      ],
    });
    const { stdout } = await capture(['events', '--follow', '--from', '3', '-o', 'json', '--api', api.url]);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([first, second]);
    expect(api.seen[1]!.headers['last-event-id']).toBe('3');
  });

  test('a change prints its result as JSON alone; its progress goes to stderr', async () => {
    await using api = await startFixedApi({
      [`POST ${chain}/kfs`]: { json: accepted(8), status: 202 },
      'GET /v1/events?watch=8': { events: [{ id: 508, data: applied(8) }], open: true },
    });
    const args = ['chain', 'insert', 'demo-1', 'l3af0', 'xdp', 'firewall@1.2.0', '--at', '1', '-o', 'json'];
    const { code, stdout, stderr } = await capture([...args, '--api', api.url]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      revision: 8,
      changed: true,
      outcome: { state: 'live', generation: 8 },
    });
    expect(stderr).toContain('demo-1/l3af0/xdp: revision 8 is live: generation 8, native, 12 ms');
    expect(JSON.parse(api.seen[0]!.body.toString())).toEqual({ kf: { package: 'firewall@1.2.0' }, at: 1 });
    expect(api.seen[0]!.headers['x-l3af-actor']).toBe('tester');
  });
});

function everyCommand(command: Command, above = ''): [string, Command][] {
  const name = `${above} ${command.name()}`.trim();
  return [[name, command], ...command.commands.flatMap((below) => everyCommand(below, name))];
}
