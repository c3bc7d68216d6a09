import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';

/** A server that a test runs: what it said so far, and its end. */
export interface Child {
  process: ChildProcess;
  log: () => string;
  exited: Promise<void>;
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** Starts a program that dies with the test process. */
export function startChild(command: string, args: string[], options: SpawnOptions = {}): Child {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => (log += data.toString()));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = new Promise<void>((resolve) => {
    const done = (): void => {
      process.removeListener('exit', kill);
      resolve();
    };
    child.once('exit', done);
    child.once('error', (error) => {
      log += String(error);
      done();
    });
  });
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
  };
  return { process: child, log: () => log, exited, stop };
}

/** True while the program runs. */
export const isRunning = (child: Child): boolean =>
  child.process.pid !== undefined && child.process.exitCode === null && child.process.signalCode === null;
