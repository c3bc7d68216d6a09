// Brings one home up: everything that can go side by side does, since `up` is what a stranger waits for first.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultPortBase, readJson, root, writeJson } from './home.mjs';
import { ensureSigningKey } from './keys.mjs';
import { ensureKernels } from './kernels.mjs';
import { lastLines } from './logs.mjs';
import { ensureBpffs, ensureNetwork } from './network.mjs';
import { checkPorts } from './ports.mjs';
import { ensureDatabase } from './postgres.mjs';
import { isAlive } from './processes.mjs';
import { describeProcesses } from './services.mjs';
import { runningProcesses, runningSupervisor } from './stop.mjs';
import { publishTrust } from './trust.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const readyWithinMs = 180_000;

function runNode(command, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(errors.trimEnd()))));
  });
}

/** The base to use: the one asked for; that of what still runs; the default. */
function choosePortBase(home, asked, running) {
  const recorded = readJson(home.state)?.portBase;
  if (running && asked !== undefined && asked !== recorded) {
    throw new Error(`Cannot use port base ${asked}: it runs on ${recorded}; npm run down first`);
  }
  return asked ?? (running ? recorded : defaultPortBase);
}

function startSupervisor(home) {
  mkdirSync(home.logs, { recursive: true });
  const log = openSync(join(home.logs, 'supervisor.log'), 'a');
  const script = fileURLToPath(new URL('./supervisor.mjs', import.meta.url));
  // -F: flock becomes the supervisor, so the lock is held exactly as long as that runs.
  const child = spawn(
    'flock',
    ['-n', '-F', join(home.path, 'supervisor.lock'), process.execPath, script, home.path],
    {
      cwd: home.path,
      stdio: ['ignore', log, log],
      detached: true,
    },
  );
  child.unref();
}

/** Starts the supervisor when there is none, and waits until it has taken over. */
export async function ensureSupervisor(home) {
  const running = runningSupervisor(home);
  if (running) {
    process.kill(running.pid, 'SIGUSR2');
    return false;
  }
  startSupervisor(home);
  const deadline = Date.now() + 20_000;
  while (!runningSupervisor(home)) {
    if (Date.now() > deadline)
      throw new Error(`Cannot start the supervisor\n${lastLines(home.logs, 'supervisor').join('\n')}`);
    await pause(20);
  }
  return true;
}

async function isReady(spec) {
  try {
    const response = await fetch(spec.ready, { signal: AbortSignal.timeout(5000) });
    return response.ok;
  } catch {
    return false;
  }
}

/** Waits until each process says that it can serve; `say` hears of each as it does. */
async function waitUntilReady(home, specs, say) {
  const restartsOf = new Map(runningProcesses(home).map(({ name, restarts }) => [name, restarts]));
  const waiting = new Set(specs.filter(({ ready }) => ready));
  const deadline = Date.now() + readyWithinMs;
  while (waiting.size > 0) {
    await Promise.all(
      [...waiting].map(async (spec) => {
        if (await isReady(spec)) waiting.delete(spec);
      }),
    );
    const failing = runningProcesses(home).find(
      ({ name, restarts }) =>
        restarts - (restartsOf.get(name) ?? 0) > 5 && [...waiting].some((spec) => spec.name === name),
    );
    if (failing || Date.now() > deadline) {
      const { name } = failing ?? [...waiting][0];
      throw new Error(
        `Cannot start ${name}: it does not become ready\n${lastLines(home.logs, name).join('\n')}\nThe whole log: ${join(home.logs, `${name}.log`)}`,
      );
    }
    if (waiting.size > 0) await pause(50);
  }
  say('all services are ready');
}

/** What is missing of a home that has been started before; empty at a first or clean start. */
function describeMissing(home, specs) {
  const running = new Set(runningProcesses(home).map(({ name }) => name));
  if (running.size === 0 && !runningSupervisor(home)) return undefined;
  const missing = specs.map(({ name }) => name).filter((name) => !running.has(name));
  return runningSupervisor(home) ? missing : ['supervisor', ...missing];
}

/** Starts what does not run. Returns what was found missing of a running home (undefined: nothing ran before). */
export async function start(home, { portBase: asked, verifyKernels, say }) {
  const running = runningProcesses(home);
  const supervisor = runningSupervisor(home);
  const portBase = choosePortBase(home, asked, running.length > 0 || supervisor !== undefined);
  await checkPorts(portBase, home.instance);
  ensureSigningKey(home.keys);
  ensureKernels(home, verifyKernels, say);
  ensureBpffs();
  for (const folder of [home.nats, home.cache, home.work]) mkdirSync(folder, { recursive: true });
  say('building');
  await Promise.all([
    runNode('flock', join(root, 'package.json'), process.execPath, join(root, 'infra/build.mjs')),
    runNode(process.execPath, join(root, 'infra/up/postgres.mjs'), home.path, String(portBase)),
    Promise.resolve().then(() => ensureNetwork(home)),
  ]);
  const specs = describeProcesses(home, portBase);
  for (const { name, args } of specs) {
    const entry = args.find((part) => part.endsWith('dist/main.js'));
    if (entry && !existsSync(entry)) throw new Error(`Cannot start ${name}: ${entry} was not built`);
  }
  const missing = describeMissing(home, specs);
  if (!supervisor) writeJson(home.state, { ...readJson(home.state), portBase });
  await ensureSupervisor(home);
  say(missing ? `was running; missing: ${missing.join(', ') || 'nothing'}` : 'starting the services');
  await ensureDatabase(specs.find(({ name }) => name === 'postgres').url, {
    signal: AbortSignal.timeout(readyWithinMs),
  });
  await waitUntilReady(home, specs, say);
  await publishTrust(specs.find(({ name }) => name === 'deploy-api').url, home.keys);
  return { missing, portBase, specs };
}

/** Whether the home's supervisor runs, for a foreground `up` that looks after it. */
export const hasSupervisor = (home) => isAlive(runningSupervisor(home));
