import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { cannot, kernelSeries, L3afError, type VerifiedStatement } from '@l3af/contracts';
import type { KeepLog, Kernel, Subject } from './kernel';
import { statementOf } from './report';
import { parseJson, runProgram } from './run-program';

/** What a kernel needs of the builder. */
export interface KernelParts {
  workDir: string;
  keepLog?: KeepLog | undefined;
}

const wallMs = 120_000;

/** Where `l3af-verify` is; undefined when this process may not load programs or the executor is not installed beside it. */
export function findVerifier(given: string | undefined): string[] | undefined {
  if (given === 'off' || (given === undefined && process.getuid?.() !== 0)) return undefined;
  return given?.split(' ') ?? findBeside('services/executor/bin/l3af-verify.js');
}

/** The command that runs a script of this installation; undefined when it is not there. */
export function findBeside(script: string): string[] | undefined {
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, script);
    if (existsSync(candidate)) return [process.execPath, candidate];
  }
  return undefined;
}

/** This machine's kernel. */
export class HostKernel implements Kernel {
  readonly name = release();
  readonly lanes = 1;

  constructor(
    /** `l3af-verify` and its first arguments. */
    private readonly command: readonly string[],
    private readonly parts: KernelParts,
  ) {}

  is(other: string): boolean {
    return other === this.name || other === kernelSeries(this.name);
  }

  async verify({ object, tests, signal }: Subject): Promise<VerifiedStatement> {
    const folder = await mkdtemp(join(this.parts.workDir, `${process.pid}-`));
    try {
      const path = join(folder, 'kf.bpf.o');
      await writeFile(path, object);
      const files = tests.map((test, index) => ({
        ...test,
        file: join(folder, `${index}-${basename(test.path)}`),
      }));
      for (const { file, bytes } of files) await writeFile(file, bytes);
      const asked = files.length > 0 ? ['--tests', ...files.map(({ file }) => file)] : [];
      // Its exit code says whether all is well; its output says what is not.
      const { stdout, stderr, exitCode } = await runProgram([...this.command, path, ...asked], {
        signal,
        wallMs,
      });
      const report = parseJson(stdout);
      if (report !== undefined) return await statementOf(report, object, this.parts.keepLog);
      const state = `it ended with ${exitCode ?? 'a signal'}: ${stderr.trim().split('\n').at(-1) ?? ''}`;
      throw new L3afError('kernel-error', cannot('run', 'program', 'l3af-verify', state));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
