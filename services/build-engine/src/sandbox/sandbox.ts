import { spawn, type ChildProcess } from 'node:child_process';
import { setPriority } from 'node:os';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { cannot, L3afError } from '@l3af/contracts';
import { HeadAndTail } from './head-and-tail';
import type { Limits } from './limits';
import { watchUsage } from './usage';

/** A host path that is visible inside, read-only. */
export interface Bind {
  from: string;
  to: string;
}

export interface SandboxRun {
  /** Path inside the sandbox, then arguments. */
  command: string[];
  binds: Bind[];
  /** The folder to start in. */
  folder: string;
  limits: Limits;
  /** A folder in memory that the program may write to, as large as the output may be; default: none. */
  scratch?: string | undefined;
  /** One of {@link sandboxUser}, when several runs are to be the same; default: a new one. */
  user?: string | undefined;
  /** Host folders that the program may write to, at the same place inside; they are to be its user's. */
  writable?: readonly string[] | undefined;
  /** Whether the host's network is there; default: none. */
  network?: boolean | undefined;
  /** Whether it may read whatever of the host it sees, as the builder itself; default: no, it is nobody. */
  readsAll?: boolean | undefined;
  /** Devices that are there, such as `null`; default: none. */
  devices?: readonly string[] | undefined;
  /** Default: none. */
  env?: Record<string, string> | undefined;
  signal?: AbortSignal | undefined;
}

export interface SandboxResult {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
  /** Which limit ended it, when one did. */
  exceeded: Exceeded | undefined;
}

type Exceeded = 'time' | 'output' | 'memory' | 'CPU time';

/** Nobody's user on the host: far above what distributions and containers give out, one per run so that process limits do not add up. */
const firstUser = 1_900_000_000;
const users = 60_000;
let nextUser = process.pid % users;
/** Whom a program believes to be where the builder itself is no root. */
const nobody = '65534';

/** The user that a program of this run is, inside and, as root, outside. */
export function sandboxUser(): string {
  const isRoot = process.getuid?.() === 0;
  return isRoot ? String(firstUser + (nextUser++ % users)) : nobody;
}

/**
 * Runs a program that sees nothing of the host but the binds: no network, no /proc, no /dev, no writable folder, an
 * empty environment, no privileges, limits on time, memory, processes and output. What it has to say it says on its
 * standard output and error. As root the program runs as a user that nobody is; else in a user namespace.
 */
export async function runInSandbox(run: SandboxRun): Promise<SandboxResult> {
  run.signal?.throwIfAborted();
  const user = run.user ?? sandboxUser();
  const child = spawn('bwrap', arguments_(run, user), {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin' },
  });
  if (child.pid !== undefined) lower(child.pid);
  const { stop, first } = stopper(child);
  const collected = collect(child, run.limits, stop);
  run.signal?.addEventListener('abort', stop);
  const end = (limit: Exceeded): void => {
    collected.exceeded ??= limit;
    stop();
  };
  const timer = setTimeout(() => end('time'), run.limits.wallMs);
  const usage = watchUsage(first, run.limits.together, end);
  try {
    const [exitCode, signal] = await ended(child);
    run.signal?.throwIfAborted();
    const stderr = collected.stderr.text();
    const refusal = exitCode === 0 ? undefined : /^bwrap: (.*)\n?$/.exec(stderr)?.[1];
    if (refusal !== undefined && collected.stdout.length === 0) throw unusable(refusal);
    return {
      exitCode,
      signal,
      stdout: Buffer.concat(collected.stdout),
      stderr,
      exceeded: collected.exceeded,
    };
  } finally {
    clearTimeout(timer);
    usage.stop();
    run.signal?.removeEventListener('abort', stop);
  }
}

/** How far a program stands back when the builder's machine has other work: what serves traffic there goes first. */
const niceness = 5;

/** Lowers a process, and all that it will start. */
function lower(pid: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    return; // it has ended, which its exit tells
  }
}

/** No sandbox, no build: an ordinary user needs user namespaces for it, which some systems keep from their users. */
function unusable(state: string): L3afError {
  const isRoot = process.getuid?.() === 0;
  return new L3afError('toolchain-missing', cannot('run', 'sandbox', 'bwrap', state), {
    ...(!isRoot && {
      hint: 'Permit user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone), or run the builder as root',
    }),
  });
}

/**
 * Ends the sandbox by killing its first process, which bubblewrap names on descriptor 3: all others die with it.
 * (Killing bubblewrap itself, before it has told its child to die with it, would leave the child running.)
 */
function stopper(child: ChildProcess): { stop: () => void; first: () => number | undefined } {
  let first: number | undefined;
  let isWanted = false;
  let status = '';
  const stop = (): void => {
    isWanted = true;
    if (first === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(first, 'SIGKILL');
    } catch {
      return; // it has just ended
    }
  };
  (child.stdio[3] as Readable | null)?.on('data', (chunk: Buffer) => {
    status += chunk.toString('utf8');
    first ??= Number(/"child-pid": *(\d+)/.exec(status)?.[1] ?? NaN) || undefined;
    if (isWanted) stop();
  });
  return { stop, first: () => first };
}

interface Collected {
  stdout: Buffer[];
  stderr: HeadAndTail;
  exceeded: Exceeded | undefined;
}

function collect(child: ChildProcess, limits: Limits, stop: () => void): Collected {
  const collected: Collected = { stdout: [], stderr: new HeadAndTail(limits.logBytes), exceeded: undefined };
  let outputBytes = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    outputBytes += chunk.length;
    if (outputBytes <= limits.outputBytes) collected.stdout.push(chunk);
    else {
      collected.exceeded ??= 'output';
      stop();
    }
  });
  child.stderr?.on('data', (chunk: Buffer) => collected.stderr.push(chunk));
  return collected;
}

function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new L3afError(
          'toolchain-missing',
          cannot('run', 'sandbox', 'bwrap', 'it is not installed, needs bubblewrap'),
          {
            cause,
          },
        ),
      ),
    );
    child.once('close', (code, signal) => resolve([code, signal]));
  });
}

function arguments_(run: SandboxRun, user: string): string[] {
  const isRoot = process.getuid?.() === 0;
  const { limits, writable = [], devices = [] } = run;
  const becomeNobody = [
    ...['/bin/setpriv', '--reuid', user, '--regid', user],
    ...['--clear-groups', '--no-new-privs', '--'],
  ];
  const limited = [
    '/bin/prlimit',
    `--as=${limits.memoryBytes}`,
    `--cpu=${limits.cpuSeconds}`,
    `--nproc=${limits.processes}`,
    `--fsize=${limits.outputBytes}`,
    '--nofile=256',
    '--core=0',
    '--',
  ];
  const places = [...run.binds, ...writable.map((folder) => ({ from: folder, to: folder }))];
  return [
    // A user namespace would leave root mapped to root, whose processes no limit counts.
    ...(isRoot ? [] : ['--unshare-user', '--uid', nobody, '--gid', nobody]),
    ...['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try'],
    ...(run.network ? [] : ['--unshare-net']),
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--clearenv', '--json-status-fd', '3'],
    ...(isRoot ? capabilities(run).flatMap((name) => ['--cap-add', name]) : []),
    ...parents(places).flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...run.binds.flatMap(({ from, to }) => ['--ro-bind', from, to]),
    ...devices.flatMap((name) => [
      '--perms',
      '0755',
      '--dir',
      '/dev',
      '--dev-bind',
      `/dev/${name}`,
      `/dev/${name}`,
    ]),
    ...writable.flatMap((folder) => ['--bind', folder, folder]),
    ...scratchArguments(run),
    ...Object.entries(run.env ?? {}).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--remount-ro', '/', '--chdir', run.folder, '--'],
    ...(isRoot && !run.readsAll ? becomeNobody : []),
    ...limited,
    ...run.command,
  ];
}

const capabilities = ({ readsAll }: SandboxRun): string[] =>
  readsAll ? ['CAP_DAC_READ_SEARCH'] : ['CAP_SETUID', 'CAP_SETGID'];

function scratchArguments({ scratch, limits }: SandboxRun): string[] {
  if (scratch === undefined) return [];
  return ['--perms', '1777', '--size', String(limits.scratchBytes ?? limits.outputBytes), '--tmpfs', scratch];
}

/** Every folder above the binds, outermost first: bwrap would make them for root's eyes only. */
function parents(binds: Bind[]): string[] {
  const folders = new Set<string>();
  for (const { to } of binds) {
    for (let folder = dirname(to); folder !== '/'; folder = dirname(folder)) folders.add(folder);
  }
  return [...folders].sort((a, b) => a.length - b.length);
}
