// Keeps the processes of one home running: starts what is missing, adopts what an earlier supervisor started, starts again what
// dies. It ends without ending them; that is the work of `down`. Started under flock, so there is never a second one.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { openHome, readJson, writeJson } from './home.mjs';
import { boundLogs } from './logs.mjs';
import { identify, isAlive, markName } from './processes.mjs';
import { runningPostgres } from './postgres.mjs';
import { describeEndpoints, describeProcesses } from './services.mjs';

const backoff = { firstMs: 200, mostMs: 10_000, calmMs: 30_000 };
const pollMs = 200;

const home = openHome(process.argv[2]);
const { portBase, processes: before = [] } = readJson(home.state);
const specs = describeProcesses(home, portBase);
/** By name: the running process, and when it may be started again after it died. */
const entries = new Map(
  specs.map(({ name }) => {
    const kept = before.find((entry) => entry.name === name);
    return [
      name,
      { identity: kept?.identity, startedAt: Date.now(), waitMs: 0, dueAt: 0, restarts: kept?.restarts ?? 0 },
    ];
  }),
);

function record() {
  const running = specs.filter(({ name }) => isAlive(entries.get(name).identity));
  writeJson(home.state, {
    portBase,
    supervisor: identify(process.pid),
    processes: running.map(({ name, service, node, stopSignal, stopLast }) => ({
      ...{ name, service, node, stopSignal, stopLast },
      identity: entries.get(name).identity,
      restarts: entries.get(name).restarts,
    })),
  });
  const databaseUrl = specs.find(({ name }) => name === 'postgres').url;
  const processes = running.map(({ name, service, node }) => ({
    service,
    node,
    pid: entries.get(name).identity.pid,
  }));
  processes.push({ service: 'supervisor', pid: process.pid });
  writeJson(home.endpoints, describeEndpoints(home, portBase, { databaseUrl, processes }));
}

function environment(spec) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|L3AF_(?!LOG_LEVEL))/.test(name));
  return { ...Object.fromEntries(inherited), ...spec.env, [markName]: home.instance };
}

function start(spec) {
  mkdirSync(home.logs, { recursive: true });
  const log = openSync(join(home.logs, `${spec.name}.log`), 'a');
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd ?? home.path,
    env: environment(spec),
    stdio: ['ignore', log, log],
    detached: true, // a process group of its own: Ctrl-C in the terminal reaches `up` only
    ...spec.ids,
  });
  closeSync(log);
  child.on('error', (error) => console.error(`Cannot start ${spec.name}: ${error.message}`));
  child.on('exit', (code, signal) =>
    console.error(`${now()} ${spec.name}, pid ${child.pid}, ended: ${signal ?? code}`),
  );
  console.error(`${now()} started ${spec.name}, pid ${child.pid}`);
  return child.pid ? identify(child.pid) : undefined;
}

const now = () => new Date().toISOString();

/** When a process that died may be started again: at once at first, then later and later while it keeps dying. */
function noteDeath(entry) {
  const calm = Date.now() - entry.startedAt > backoff.calmMs;
  entry.waitMs = calm
    ? backoff.firstMs
    : Math.min(backoff.mostMs, Math.max(backoff.firstMs, entry.waitMs * 2));
  entry.dueAt = Date.now() + entry.waitMs;
  entry.restarts++;
  entry.identity = undefined;
}

/** Looks after one process; returns whether anything about it has changed. */
function look(spec) {
  const entry = entries.get(spec.name);
  if (isAlive(entry.identity)) return false;
  if (entry.identity) {
    noteDeath(entry);
    return true;
  }
  if (Date.now() < entry.dueAt) return false;
  entry.identity = (spec.data && runningPostgres(spec.data)) || start(spec);
  entry.startedAt = Date.now();
  return true;
}

function supervise() {
  try {
    if (specs.map(look).some(Boolean)) record();
  } catch (error) {
    console.error(error); // a full disk, no more processes: tried again at the next turn
  }
}

process.on('SIGUSR2', () => {
  for (const entry of entries.values()) Object.assign(entry, { waitMs: 0, dueAt: 0 });
  supervise();
});
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => process.exit(0));
supervise();
record();
setInterval(supervise, pollMs);
setInterval(() => boundLogs(home.logs), 10_000);
