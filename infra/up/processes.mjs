// Processes as the kernel knows them. A pid alone proves nothing: after a crash or a restart of the machine another program may
// have it. So a process is pid + start time + boot, and strays are found by a mark in their environment.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** In the environment of everything that a supervisor starts; its value is the instance. */
export const markName = 'L3AF_SUPERVISED';

const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Start time (clock ticks since boot) and state of a process; undefined when it is gone. */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name may hold spaces and brackets
    return { state: fields[0], parent: Number(fields[1]), startTime: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

/** What identifies a running process for ever; undefined when it has ended. */
export function identify(pid) {
  const found = stat(pid);
  return found && found.state !== 'Z' ? { pid, startTime: found.startTime, boot: bootId() } : undefined;
}

/** Whether exactly this process (not just its pid) still runs. */
export function isAlive(identity) {
  if (!identity?.pid) return false;
  const found = stat(identity.pid);
  return (
    found !== undefined &&
    found.state !== 'Z' &&
    found.startTime === identity.startTime &&
    identity.boot === bootId()
  );
}

function readProc(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

const pids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Whether a process was started by the supervisor of this instance. */
export const isMarked = (pid, instance) =>
  `\0${readProc(pid, 'environ')}`.includes(`\0${markName}=${instance}\0`);

/** Every process with `NAME=value` in its environment, or one of `commandParts` in its command line; this one left out. */
export function findProcesses({ mark, value, commandParts = [] }) {
  const wanted = `${mark}=${value}\0`;
  return pids().filter((pid) => {
    if (pid === process.pid || !identify(pid)) return false;
    if (`\0${readProc(pid, 'environ')}`.includes(`\0${wanted}`)) return true;
    const command = readProc(pid, 'cmdline');
    return commandParts.some((part) => command.includes(part));
  });
}

/** How a process was started, for messages. */
export function commandOf(pid) {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ').trim() || readProc(pid, 'comm').trim();
}

/** The processes that hold a namespace under /run/netns open, i.e. run in it. */
export function processesInNetns(inode) {
  return pids().filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`) === `net:[${inode}]`;
    } catch {
      return false;
    }
  });
}

function signal(identity, name) {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Ends processes: asks with `name`, and kills what has not ended after `graceMs`. Returns when none is left. */
export async function endProcesses(identities, { name = 'SIGTERM', graceMs = 10_000 } = {}) {
  for (const identity of identities) signal(identity, name);
  const deadline = Date.now() + graceMs;
  while (identities.some(isAlive)) {
    if (Date.now() > deadline) for (const identity of identities) signal(identity, 'SIGKILL');
    await pause(20);
  }
}
