import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  cannot,
  hookSchema,
  L3afError,
  type VerifiedStatement,
  type WireError,
  wireErrorSchema,
} from '@l3af/contracts';
import { z } from 'zod';

/** A file of packet tests, by its path in the source. */
export interface TestFile {
  path: string;
  bytes: Uint8Array;
}

export interface Verification {
  /** `l3af-verify` and its first arguments. */
  command: readonly string[];
  object: Uint8Array;
  tests: readonly TestFile[];
  workDir: string;
  signal: AbortSignal;
  /** Keeps the verifier's whole log of a refusal and says its digest; without, a statement has the reason alone. */
  keepLog?: ((text: string) => Promise<string>) | undefined;
}

const loadingSchema = z.object({
  loaded: z.boolean(),
  instructions: z.number().optional(),
  nanosecondsPerPacket: z.number().optional(),
  error: wireErrorSchema.optional(),
});
const reportSchema = z.object({
  kernel: z.string(),
  programs: z.array(
    z.object({ program: z.string(), hook: hookSchema, alone: loadingSchema, chained: loadingSchema }),
  ),
  passed: z.number(),
  failed: z.number(),
  skipped: z.number(),
  ok: z.boolean(),
});
const refusalSchema = z.object({ ok: z.literal(false), error: wireErrorSchema });

const goArchitectures: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  s390x: 's390x',
};
const wallMs = 120_000;

/** Where `l3af-verify` is; undefined when this process may not load programs or the executor is not installed beside it. */
export function findVerifier(given: string | undefined): string[] | undefined {
  if (given === 'off' || (given === undefined && process.getuid?.() !== 0)) return undefined;
  if (given !== undefined) return given.split(' ');
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'services/executor/bin/l3af-verify.js');
    if (existsSync(candidate)) return [process.execPath, candidate];
  }
  return undefined;
}

/** Has this machine's kernel load an object, alone and chained, and run its packet tests. */
export async function verifyOnHost(verification: Verification): Promise<VerifiedStatement> {
  const { object, tests, workDir } = verification;
  const folder = await mkdtemp(join(workDir, `${process.pid}-`));
  try {
    const path = join(folder, 'kf.bpf.o');
    await writeFile(path, object);
    const files = tests.map((test, index) => ({
      ...test,
      file: join(folder, `${index}-${basename(test.path)}`),
    }));
    for (const { file, bytes } of files) await writeFile(file, bytes);
    const asked = files.length > 0 ? ['--tests', ...files.map(({ file }) => file)] : [];
    const output = await run([...verification.command, path, ...asked], verification.signal);
    const objectDigest = `sha256:${createHash('sha256').update(object).digest('hex')}`;
    return await statementOf(parse(output), objectDigest, verification.keepLog);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Report = z.infer<typeof reportSchema>;

function parse(output: string): Report {
  try {
    const json: unknown = JSON.parse(output);
    const refusal = refusalSchema.safeParse(json);
    if (refusal.success) throw new L3afError(refusal.data.error.code, refusal.data.error.message);
    return reportSchema.parse(json);
  } catch (cause) {
    if (cause instanceof L3afError) throw cause;
    throw new L3afError('internal', cannot('read', 'report of', 'l3af-verify', output.slice(0, 200)), {
      cause,
    });
  }
}

type KeepLog = Verification['keepLog'];

async function statementOf(
  report: Report,
  objectDigest: string,
  keepLog: KeepLog,
): Promise<VerifiedStatement> {
  const programs = await Promise.all(report.programs.map((program) => programOf(program, keepLog)));
  const first = programs.find(({ error }) => error)?.error;
  return {
    kernel: report.kernel,
    architecture: goArchitectures[process.arch] ?? process.arch,
    objectDigest,
    loaded: programs.every(({ loaded }) => loaded),
    ...(first && { error: first }),
    programs,
    tests: { passed: report.passed, failed: report.failed, skipped: report.skipped },
  };
}

async function programOf(
  { program, hook, alone, chained }: Report['programs'][number],
  keepLog: KeepLog,
): Promise<VerifiedStatement['programs'][number]> {
  const error = alone.error ?? chained.error;
  const nanosecondsPerPacket = chained.nanosecondsPerPacket ?? alone.nanosecondsPerPacket;
  return {
    name: program,
    hook,
    loaded: alone.loaded && chained.loaded,
    instructions: alone.instructions ?? 0,
    ...(nanosecondsPerPacket !== undefined && { nanosecondsPerPacket }),
    ...(error && { error: await shortened(error, keepLog) }),
  };
}

/** A statement is small: the log is kept beside it, under its digest. */
async function shortened({ code, message, details }: WireError, keepLog: KeepLog): Promise<WireError> {
  const text = details?.['log'];
  if (!keepLog || typeof text !== 'string' || text === '') return { code, message };
  return { code, message, details: { log: await keepLog(text) } };
}

/** Its exit code says whether all is well; its output says what is not. */
function run(command: string[], signal: AbortSignal): Promise<string> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      signal,
      timeout: wallMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}
