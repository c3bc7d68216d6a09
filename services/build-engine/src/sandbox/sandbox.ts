import { spawn, type ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { cannot, L3afError } from '@l3af/contracts';
import { HeadAndTail } from './head-and-tail';
import type { Limits } from './limits';

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
  /** Whether /dev/null is there, the one device that toolchains cannot do without; default: no. */
  devNull?: boolean | undefined;
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
  exceeded: 'time' | 'output' | undefined;
}

/** Nobody's user on the host: far above what distributions and containers give out, one per run so that process limits do not add up. */
const firstUser = 1_900_000_000;
const users = 60_000;
let nextUser = process.pid % users;

/**
 * Runs a program that sees nothing of the host but the binds: no network, no /proc, no /dev, no writable folder, an
 * empty environment, no privileges, limits on time, memory, processes and output. What it has to say it says on its
 * standard output and error. As root the program runs as a user that nobody is; else in a user namespace.
 */
export async function runInSandbox(run: SandboxRun): Promise<SandboxResult> {
  run.signal?.throwIfAborted();
  const child = spawn('bwrap', arguments_(run), {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin' },
  });
  const stop = stopper(child);
  const collected = collect(child, run.limits, stop);
  run.signal?.addEventListener('abort', stop);
  const timer = setTimeout(() => {
    collected.exceeded ??= 'time';
    stop();
  }, run.limits.wallMs);
  try {
    const [exitCode, signal] = await ended(child);
    run.signal?.throwIfAborted();
    const stderr = collected.stderr.text();
    return {
      exitCode,
      signal,
      stdout: Buffer.concat(collected.stdout),
      stderr,
      exceeded: collected.exceeded,
    };
  } finally {
    clearTimeout(timer);
    run.signal?.removeEventListener('abort', stop);
  }
}

/**
 * Ends the sandbox by killing its first process, which bubblewrap names on descriptor 3: all others die with it.
 * (Killing bubblewrap itself, before it has told its child to die with it, would leave the child running.)
 */
function stopper(child: ChildProcess): () => void {
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
  return stop;
}

interface Collected {
  stdout: Buffer[];
  stderr: HeadAndTail;
  exceeded: 'time' | 'output' | undefined;
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

function arguments_(run: SandboxRun): string[] {
  const isRoot = process.getuid?.() === 0;
  const { limits } = run;
  const user = String(firstUser + (nextUser++ % users));
  const status = ['--json-status-fd', '3'];
  const becomeNobody = [
    '/bin/setpriv',
    '--reuid',
    user,
    '--regid',
    user,
    '--clear-groups',
    '--no-new-privs',
    '--',
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
  return [
    // A user namespace would leave root mapped to root, whose processes no limit counts.
    ...(isRoot ? [] : ['--unshare-user', '--uid', '65534', '--gid', '65534']),
    ...['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--clearenv', ...status],
    ...(isRoot ? ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID'] : []),
    ...parents(run.binds).flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...run.binds.flatMap(({ from, to }) => ['--ro-bind', from, to]),
    ...(run.devNull ? ['--perms', '0755', '--dir', '/dev', '--dev-bind', '/dev/null', '/dev/null'] : []),
    ...(run.scratch === undefined
      ? []
      : [
          '--perms',
          '1777',
          '--size',
          String(limits.scratchBytes ?? limits.outputBytes),
          '--tmpfs',
          run.scratch,
        ]),
    ...Object.entries(run.env ?? {}).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--remount-ro', '/', '--chdir', run.folder, '--'],
    ...(isRoot ? becomeNobody : []),
    ...limited,
    ...run.command,
  ];
}

/** Every folder above the binds, outermost first: bwrap would make them for root's eyes only. */
function parents(binds: Bind[]): string[] {
  const folders = new Set<string>();
  for (const { to } of binds) {
    for (let folder = dirname(to); folder !== '/'; folder = dirname(folder)) folders.add(folder);
  }
  return [...folders].sort((a, b) => a.length - b.length);
}
