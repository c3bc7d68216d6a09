// What a test run must not leave on the machine: processes, namespaces, pins, temporary files.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../setup/run.mjs';
import { removeNetwork } from '../up/network.mjs';
import { commandOf, endProcesses, findProcesses, identify } from '../up/processes.mjs';

/** In the environment of everything that a test run starts. */
export const runMark = 'L3AF_TEST_RUN';

const list = (folder) => (existsSync(folder) ? readdirSync(folder) : []);
const namespaces = () => list('/run/netns');
const pins = () =>
  ['/sys/fs/bpf', '/sys/fs/bpf/l3af'].flatMap((folder) => list(folder).map((name) => join(folder, name)));
const links = () =>
  run('ip', ['-o', 'link', 'show'])
    .split('\n')
    .map((line) => line.split(': ')[1])
    .filter(Boolean);
const bookkeeping = new Set(['/sys/fs/bpf/l3af', '/sys/fs/bpf/xdp']);

/** What is on the machine before the run; compare with {@link findLeftovers} after it. */
export const takeStock = () => ({
  namespaces: new Set(namespaces()),
  pins: new Set(pins()),
  links: new Set(links()),
});

/** Everything the run has left behind, one line each. */
export function findLeftovers(before, { runId, temporary }) {
  const added = (now, known) => now.filter((name) => !known.has(name));
  const processes = findProcesses({ mark: runMark, value: runId });
  return {
    processes,
    namespaces: added(namespaces(), before.namespaces),
    pins: added(pins(), before.pins).filter((path) => !bookkeeping.has(path)),
    links: added(links(), before.links),
    files: list(temporary).map((name) => join(temporary, name)),
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

/** Removes what was found, so that the next run starts clean. */
export async function removeLeftovers(found) {
  await endProcesses(found.processes.map(identify).filter(Boolean), { graceMs: 3000 });
  for (const name of found.namespaces) await removeNetwork({ netns: name, peerNetns: name });
  for (const path of [...found.pins, ...found.files]) rmSync(path, { recursive: true, force: true });
}
