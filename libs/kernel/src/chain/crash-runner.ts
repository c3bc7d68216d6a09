import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { childArguments } from './chain-fixture';
import type { CrashJob } from './crash-child';
import { rehearsal, type ForkResult } from './crash-fork';

export interface CrashRunner {
  /** Does a change for good, so that the next ones take less time. */
  rehearse(job: Omit<CrashJob, 'killAfter'>): Promise<void>;
  /** Runs a change in a process that kills itself; `operation` is the one after which it was killed. Any other death of it throws. */
  run(job: CrashJob): Promise<{ killed: boolean; operation: string }>;
  stop(): Promise<void>;
}

/** Starts the process whose forks do the changes. */
export function startCrashRunner(): CrashRunner {
  const args = ['--single-threaded', ...childArguments(join(__dirname, 'crash-child'))];
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, L3AF_CRASH_CHILD: '1' },
  });
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the process whose forks do the changes has ended');
    return value;
  };
  const send = async (line: string): Promise<ForkResult & { written: string }> => {
    child.stdin.write(`${line}\n`);
    const written = await next();
    return { written, ...(JSON.parse(await next()) as ForkResult) };
  };
  return {
    async rehearse(job) {
      await send(`${rehearsal}${JSON.stringify({ ...job, killAfter: 0 })}`);
    },
    async run(job) {
      const { written: operation, signal, code } = await send(JSON.stringify(job));
      if (signal === 9 && operation !== '') return { killed: true, operation };
      if (signal !== 0 || code !== 0) {
        const { change, killAfter } = job;
        throw new Error(
          `${change.kind}, to be killed at operation ${killAfter}: signal ${signal}, code ${code}`,
        );
      }
      return { killed: false, operation };
    },
    async stop() {
      child.stdin.end();
      await closed;
    },
  };
}
