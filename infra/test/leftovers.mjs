// What a test run must not leave on the machine: processes, namespaces, pins, temporary files.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../setup/run.mjs';
import { commandOf, endProcesses, findProcesses, identify, markName } from '../up/processes.mjs';

/** In the environment of everything that a test run starts. */
export const runMark = 'L3AF_TEST_RUN';

const list = (folder) => (existsSync(folder) ? readdirSync(folder) : []);
const namespaces = () => list('/run/netns');
const instances = '/sys/fs/bpf/l3af';

/** Of all instances: what is in use by others keeps their folder, which goes with the last of them. */
const pins = () => {
  const within = list(instances);
  const beside = list('/sys/fs/bpf').map((name) => join('/sys/fs/bpf', name));
  return [
    ...beside.filter((path) => path !== instances || within.length === 0),
    ...within.map((name) => join(instances, name)),
  ];
};
const links = () =>
  run('ip', ['-o', 'link', 'show'])
    .split('\n')
    .map((line) => line.split(': ')[1])
    .filter(Boolean);
/** xdp-loader, which tests of shared hooks call, makes this folder for its dispatchers and leaves it, empty, for the next. */
const bookkeeping = new Set(['/sys/fs/bpf/xdp']);

/** What is on the machine before the run; compare with {@link findLeftovers} after it. */
export const takeStock = () => ({
  namespaces: new Set(namespaces()),
  pins: new Set(pins()),
  links: new Set(links()),
});

/** Kept on purpose from test to test of a run: compiled objects, and Postgres where its user can read it. */
const caches = /^l3af-(postgres|test-objects|test-js)-/;

/** Whether somebody else's running test or L3AF made it: names hold the maker's pid or the instance. */
function isInUse(name, ours) {
  const pids = [...name.matchAll(/-(\d+)(?=-|$)/g)]
    .map(([, digits]) => Number(digits))
    .filter((pid) => pid > 1 && identify(pid));
  if (pids.some((pid) => !ours.includes(pid))) return true;
  const [, instance] = /([0-9a-f]{8})/.exec(name) ?? [];
  return (
    instance !== undefined &&
    findProcesses({ mark: markName, value: instance }).some((pid) => !ours.includes(pid))
  );
}

/** Everything the run has left behind. What another run on this machine uses is not counted. */
export function findLeftovers(before, { runId, temporary }) {
  const processes = findProcesses({ mark: runMark, value: runId });
  const added = (now, known) => now.filter((name) => !known.has(name) && !isInUse(name, processes));
  return {
    processes,
    namespaces: added(namespaces(), before.namespaces),
    pins: added(pins(), before.pins).filter((path) => !bookkeeping.has(path)),
    links: added(links(), before.links),
    files: list(temporary)
      .filter((name) => !caches.test(name))
      .map((name) => join(temporary, name)),
  };
}

/** The lines that tell a person what was left. */
export function describeLeftovers(found) {
  return [
    ...found.processes.map((pid) => `process ${pid}: ${commandOf(pid).slice(0, 160)}`),
    ...found.namespaces.map((name) => `network namespace ${name}`),
    ...found.links.map((name) => `network interface ${name}`),
    ...found.pins.map((path) => `pin ${path}`),
    ...found.files.map(
      (path) => `temporary file ${path} (${statSync(path).isDirectory() ? 'folder' : 'file'})`,
    ),
  ];
}

/** Ends the run's own processes. Namespaces and pins are only told: that they are ours is likely, not certain. */
export async function endLeftovers({ processes }) {
  await endProcesses(processes.map(identify).filter(Boolean), { graceMs: 3000 });
}
