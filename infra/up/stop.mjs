// Ends everything of one home: the supervisor first, so that nothing is started again, then the node's executor and the services,
// then what they lean on. What no record knows of is found by its mark.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './home.mjs';
import { removeNetwork, removePins } from './network.mjs';
import { endProcesses, findProcesses, identify, isAlive, markName } from './processes.mjs';
import { runningPostgres } from './postgres.mjs';

const dataFolders = (home) => [join(home.path, 'postgres'), join(home.outside, 'postgres')];

/** The supervisor of a home, when it runs. */
export function runningSupervisor(home) {
  const identity = readJson(home.state)?.supervisor;
  return isAlive(identity) ? identity : undefined;
}

/** Recorded processes that run. */
export function runningProcesses(home) {
  return (readJson(home.state)?.processes ?? []).filter(({ identity }) => isAlive(identity));
}

/** Stops processes, removes namespaces and pins, keeps the state. Returns how many processes were ended. */
export async function stop(home) {
  const supervisor = runningSupervisor(home);
  if (supervisor) await endProcesses([supervisor], { graceMs: 2000 });
  const recorded = runningProcesses(home);
  const identities = (filter) => recorded.filter(filter).map(({ identity }) => identity);
  await endProcesses(identities(({ stopLast }) => !stopLast));
  const databases = dataFolders(home).map(runningPostgres).filter(Boolean);
  const isDatabase = (identity) => databases.some(({ pid }) => pid === identity.pid);
  await Promise.all([
    endProcesses(databases, { name: 'SIGINT' }),
    endProcesses(identities(({ stopLast }) => stopLast).filter((identity) => !isDatabase(identity))),
  ]);
  // Started by a supervisor that was killed before it could write the pid down.
  const strays = findProcesses({ mark: markName, value: home.instance }).map(identify).filter(Boolean);
  await endProcesses(strays);
  await removeNetwork(home);
  removePins(home.bpffs);
  rmSync(home.endpoints, { force: true });
  return identities(() => true).length + strays.length + (supervisor ? 1 : 0);
}

/** Forgets everything a home has kept; only after {@link stop}. */
export function forget(home) {
  rmSync(home.path, { recursive: true, force: true });
  rmSync(home.outside, { recursive: true, force: true });
}
