import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cannot, L3afError, type VerifiedStatement, kernelSeries } from '@l3af/contracts';
import { z } from 'zod';
import type { KernelParts } from './host-kernel';
import type { Kernel, Subject } from './kernel';
import { statementOf } from './report';
import { parseJson, runProgram } from './run-program';

const listSchema = z.array(z.object({ version: z.string(), ready: z.boolean() }));
const resultSchema = z.object({ release: z.string(), reports: z.array(z.unknown()) });

export type KnownKernel = z.infer<typeof listSchema>[number];

const listMs = 30_000;
/** Emulation is slow, and a kernel may have to be downloaded first. */
const wallMs = 30 * 60_000;
/** What comes in this time shares a boot. */
const gatherMs = 4_000;
const batchMax = 16;

/** The kernels that the program (`infra/vm/verify.mjs`) can boot. */
export async function listMachines(command: readonly string[], signal: AbortSignal): Promise<KnownKernel[]> {
  const { stdout, stderr } = await runProgram([...command, '--list'], { signal, wallMs: listMs });
  const known = listSchema.safeParse(parseJson(stdout));
  if (known.success) return known.data;
  throw new L3afError('internal', cannot('list', 'kernels of', command.join(' '), stderr.trim().slice(-200)));
}

/** One machine at a time in this process: each takes a CPU and a GiB of memory. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

interface Waiting {
  subject: Subject;
  resolve: (statement: VerifiedStatement) => void;
  reject: (error: unknown) => void;
}

/** A kernel that a virtual machine boots, in emulation. A boot takes seconds, so that objects share one. */
export class MachineKernel implements Kernel {
  readonly lanes = 8;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(
    /** Its version in the matrix, such as `6.1`. */
    readonly name: string,
    private readonly command: readonly string[],
    private readonly parts: KernelParts & { turns: Turns },
  ) {}

  is(release: string): boolean {
    return kernelSeries(release) === this.name;
  }

  verify(subject: Subject): Promise<VerifiedStatement> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ subject, resolve, reject });
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#waiting.length > 0) {
        await delay(gatherMs);
        await this.parts.turns.take(() => this.#boot(this.#takeBatch()));
      }
    } finally {
      this.#isRunning = false;
    }
  }

  #takeBatch(): Waiting[] {
    const wanted = this.#waiting.filter(({ subject }) => !subject.signal.aborted);
    for (const one of this.#waiting) if (one.subject.signal.aborted) one.reject(one.subject.signal.reason);
    const [first] = wanted;
    const together = wanted.filter(({ subject }) => !subject.apart).slice(0, batchMax);
    const batch = first?.subject.apart ? [first] : together;
    this.#waiting = wanted.filter((one) => !batch.includes(one));
    return batch;
  }

  async #boot(batch: Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      const reports = await this.#run(batch);
      const answers = batch.map(({ subject, resolve, reject }, index) =>
        statementOf(reports[index], subject.object, this.parts.keepLog).then(resolve, reject),
      );
      await Promise.all(answers);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async #run(batch: Waiting[]): Promise<unknown[]> {
    const folder = await mkdtemp(join(this.parts.workDir, `${process.pid}-`));
    try {
      const jobs = await writeJobs(join(folder, 'jobs'), batch);
      const signal = allOf(batch.map(({ subject }) => subject.signal));
      const command = ['nice', '-n', '19', ...this.command, this.name, jobs];
      const { stdout, stderr } = await runProgram(command, { signal, wallMs });
      const result = resultSchema.safeParse(parseJson(stdout));
      if (result.success) return result.data.reports;
      const state = stderr.trim().split('\n').slice(-3).join(' ');
      throw new L3afError('kernel-error', cannot('verify on', 'kernel', this.name, state));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Aborted when all of them are: as long as one waits for the machine, it goes on. */
function allOf(signals: AbortSignal[]): AbortSignal {
  const all = new AbortController();
  let left = signals.length;
  const one = (): void => {
    left -= 1;
    if (left === 0) all.abort();
  };
  for (const signal of signals) {
    if (signal.aborted) one();
    else signal.addEventListener('abort', one, { once: true });
  }
  return all.signal;
}

async function writeJobs(folder: string, batch: Waiting[]): Promise<string> {
  await mkdir(folder);
  const jobs: { object: string; tests: string[] }[] = [];
  for (const [index, { subject }] of batch.entries()) {
    const object = `${index}.o`;
    await writeFile(join(folder, object), subject.object);
    const tests = subject.tests.map((_, at) => `${index}-${at}.yaml`);
    for (const [at, { bytes }] of subject.tests.entries())
      await writeFile(join(folder, tests[at] ?? ''), bytes);
    jobs.push({ object, tests });
  }
  await writeFile(join(folder, 'jobs.json'), JSON.stringify(jobs));
  return folder;
}
