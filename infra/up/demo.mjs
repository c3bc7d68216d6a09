// The demonstration: three KFs from bpf/, built, signed and published through the API as a user would, and a chain of them.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './home.mjs';
import { demoInterface, demoNode } from './services.mjs';

const kfs = ['firewall', 'ratelimiting', 'flow-counter'];
const hook = 'xdp';
const answerWithinMs = 120_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function l3af(api, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'services/cli/bin/l3af.js'), '--api', api, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0
        ? resolve(output)
        : reject(new Error(`Cannot run "l3af ${args.join(' ')}": exit code ${code}\n${errors}${output}`)),
    );
  });
}

/** GET as JSON; undefined for what does not exist (404). Anything else is asked again until the deadline: services still join. */
async function get(api, path) {
  const deadline = Date.now() + answerWithinMs;
  for (;;) {
    const response = await fetch(`${api}${path}`).catch((error) => error);
    if (response.status === 404) return undefined;
    if (response.ok) return response.json();
    if (Date.now() > deadline) throw new Error(`Cannot read ${path}: ${response.status ?? response.message}`);
    await pause(100);
  }
}

async function until(question, problem) {
  const deadline = Date.now() + answerWithinMs;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(await problem());
    await pause(100);
  }
}

export const readChain = (api) => get(api, `/v1/nodes/${demoNode}/chains/${demoInterface}/${hook}`);

/** Builds the KFs that are not published yet. */
async function publish(api, say) {
  const published = new Set(((await get(api, '/v1/packages')) ?? []).map(({ name }) => name));
  const missing = kfs.filter((name) => !published.has(name));
  if (missing.length === 0) return;
  say(`building and publishing ${missing.join(', ')}`);
  await Promise.all(missing.map((name) => l3af(api, 'kf', 'build', join(root, 'bpf', name), '-o', 'json')));
}

function isLive(view) {
  const { desired, reported } = view ?? {};
  if (!desired || reported?.revision !== desired.revision) return false;
  // With counters the node itself has answered; a report alone may be of before the restart.
  return (
    ['live', 'degraded'].includes(reported.state) &&
    reported.kfs.every(({ verdicts }) => verdicts !== undefined)
  );
}

const isRefused = (view) =>
  view?.desired &&
  view.reported?.revision === view.desired.revision &&
  ['rejected', 'rolled-back'].includes(view.reported.state);

/** Waits for the node's confirmation of what is desired; what the node refused is told, not waited for. */
async function waitForChain(api) {
  const view = await until(
    async () => {
      const found = await readChain(api);
      return !found?.desired || isLive(found) || isRefused(found) ? (found ?? {}) : undefined;
    },
    async () =>
      `Cannot confirm the chain of ${demoNode}: ${JSON.stringify((await readChain(api))?.reported)}`,
  );
  return view;
}

/** Makes the demonstration's chain when there has never been one, waits for the node, returns the chain's view. */
export async function ensureDemo(api, say) {
  const found = await readChain(api);
  if (!found) {
    await publish(api, say);
    await until(
      async () => (await get(api, `/v1/nodes/${demoNode}`))?.state === 'ready',
      async () => `Cannot deploy: node ${demoNode} has not registered`,
    );
    say(`deploying the chain ${demoNode}/${demoInterface}/${hook}`);
    await l3af(api, 'apply', '-f', join(root, 'infra/up/demo-chain.yaml'));
  }
  return waitForChain(api);
}

/** Packets that the chain has seen: what left at its first KF and what went on from there. */
function packetsOf(view) {
  const { verdicts = {}, proceeded = 0 } = view.reported?.kfs[0] ?? {};
  return Object.values(verdicts).reduce((sum, count) => sum + count, proceeded);
}

/** The chain with some packets in its counters, for the summary; after `patienceMs` as it is. */
export async function readChainWithPackets(api, patienceMs = 2000) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const view = await readChain(api);
    if (!view?.desired?.kfs.length || packetsOf(view) > 20 || Date.now() > deadline) return view;
    await pause(100);
  }
}
