import { spawn, type ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import { cannot, L3afError } from '@l3af/contracts';
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
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin' },
  });
  const collected = collect(child, run.limits);
  const stop = (): void => void child.kill('SIGKILL');
  run.signal?.addEventListener('abort', stop);
  const timer = setTimeout(() => {
    collected.exceeded ??= 'time';
    stop();
  }, run.limits.wallMs);
  try {
    const [exitCode, signal] = await ended(child);
    run.signal?.throwIfAborted();
    return {
      exitCode,
      signal,
      stdout: Buffer.concat(collected.stdout),
      stderr: text(collected.stderr),
      exceeded: collected.exceeded,
    };
  } finally {
    clearTimeout(timer);
    run.signal?.removeEventListener('abort', stop);
  }
}

const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8');

interface Collected {
  stdout: Buffer[];
  stderr: Buffer[];
  exceeded: 'time' | 'output' | undefined;
}

function collect(child: ChildProcess, limits: Limits): Collected {
  const collected: Collected = { stdout: [], stderr: [], exceeded: undefined };
  let outputBytes = 0;
  let logBytes = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    outputBytes += chunk.length;
    if (outputBytes <= limits.outputBytes) collected.stdout.push(chunk);
    else {
      collected.exceeded ??= 'output';
      child.kill('SIGKILL');
    }
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    const room = limits.logBytes - logBytes;
    logBytes += chunk.length;
    if (room > 0) collected.stderr.push(chunk.subarray(0, room));
  });
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
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--clearenv'],
    ...(isRoot ? ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID'] : []),
    ...parents(run.binds).flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...run.binds.flatMap(({ from, to }) => ['--ro-bind', from, to]),
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
