// `npm run bench -- executor [--json] [--seconds N]`: memory and idle processor time of an executor with ten chains of five KFs, among all the
// other services, started as `npm run up` starts them in a home of its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { run } from '../setup/run.mjs';
import { demoNode } from '../up/services.mjs';
import { root } from '../up/home.mjs';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, seconds: { type: 'string', default: '60' } },
});
const [chains, packages] = [10, ['firewall', 'ratelimiting', 'flow-counter', 'flow-counter', 'flow-counter']];
const interfaces = Array.from({ length: chains }, (_, index) => `bench${index}`);
const waitMs = 120_000;
const say = (line) => console.error(line);

const home = mkdtempSync(join(tmpdir(), 'l3af-bench-'));
const env = { ...process.env, L3AF_HOME: home };

/** Starts everything; a range of ports that is taken is not ours to free, so another one is tried. */
function start() {
  for (let tries = 1; ; tries++) {
    const portBase = String(20_000 + 100 * Math.floor(Math.random() * 400));
    const args = [join(root, 'infra/up.mjs'), '--detach', '--json', '--port-base', portBase];
    const started = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' });
    if (started.status === 0) return JSON.parse(started.stdout);
    if (tries === 5 || !started.stderr.includes('Cannot listen on port')) throw new Error(started.stderr);
  }
}

async function until(what, question) {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`Cannot measure: waited ${waitMs / 1000} s for ${what}`);
    await delay(200);
  }
}

async function request(api, path, { method = 'GET', body } = {}) {
  const response = await fetch(`${api}/v1/nodes/${demoNode}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  if (!response.ok) throw new Error(`Cannot ${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const chainOf = (name) => ({
  apiVersion: 'l3af/v1',
  kind: 'Chain',
  node: demoNode,
  interface: name,
  hook: 'xdp',
  kfs: packages.map((kf, index) => ({
    name: `kf${index}`,
    package: kf,
    ...(kf === 'firewall' && { program: 'firewall' }),
  })),
});

/** The demonstration's chain away, ten of five in its place; returns when the node has confirmed them all. */
async function deploy({ api, nodes: [{ netns }] }) {
  for (const [index, name] of interfaces.entries())
    run('ip', ['-n', netns, 'link', 'add', name, 'up', 'type', 'veth', 'peer', 'name', `peer${index}`]);
  await until('the interfaces', async () => {
    const known = new Set((await request(api, '')).interfaces.map(({ name }) => name));
    return interfaces.every((name) => known.has(name));
  });
  await request(api, '/chains/l3af0/xdp', { method: 'DELETE' });
  for (const name of interfaces)
    await request(api, `/chains/${name}/xdp`, { method: 'PUT', body: chainOf(name) });
  await until('the chains', async () => {
    const live = (await request(api, '/chains')).filter(({ reported }) => reported?.state === 'live');
    return interfaces.every((name) => live.some((chain) => chain.interface === name));
  });
}

/** Memory in MiB: resident, the part of it that is no file's (node's own program is 45 to 50), and the most it has been. */
function memoryOf(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (field) =>
    Math.round(Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)[1]) / 102.4) / 10;
  return { rss: of('VmRSS'), anonymous: of('RssAnon'), peak: of('VmHWM') };
}

/** Processor time of a process so far, in seconds. */
function processorSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const ticksPerSecond = 100;
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

async function measure(pid) {
  const [before, from] = [processorSeconds(pid), performance.now()];
  await delay(Number(values.seconds) * 1000);
  const seconds = (performance.now() - from) / 1000;
  const cpuPercent = Math.round(((processorSeconds(pid) - before) / seconds) * 10_000) / 100;
  return { memory: memoryOf(pid), cpuPercent, seconds: Math.round(seconds) };
}

async function main() {
  say('starting everything');
  const endpoints = start();
  const { pid } = endpoints.processes.find(({ service }) => service === 'executor');
  const started = memoryOf(pid);
  say('deploying ten chains of five KFs');
  await deploy(endpoints);
  const loaded = memoryOf(pid);
  await delay(15_000); // probation ends, and what it kept goes
  say(`measuring for ${values.seconds} s`);
  const idle = await measure(pid);
  if (values.json) {
    const result = {
      chains,
      kfs: chains * packages.length,
      memoryMib: { started, loaded, idle: idle.memory },
    };
    console.log(JSON.stringify({ ...result, cpuPercent: idle.cpuPercent, seconds: idle.seconds }));
    return;
  }
  for (const [name, { rss, anonymous, peak }] of Object.entries({ started, loaded, idle: idle.memory }))
    console.log(`${name.padEnd(8)} ${rss} MiB, of these ${anonymous} of its own; at most ${peak}`);
  console.log(`idle     ${idle.cpuPercent} % of a processor over ${idle.seconds} s`);
}

try {
  await main();
} finally {
  spawnSync(process.execPath, [join(root, 'infra/down.mjs'), '--reset'], { cwd: root, env, stdio: 'ignore' });
  rmSync(home, { recursive: true, force: true });
}
