import { createHash } from 'node:crypto';
import {
  cannot,
  fromWireError,
  hookSchema,
  L3afError,
  type VerifiedStatement,
  type WireError,
  wireErrorSchema,
} from '@l3af/contracts';
import { z } from 'zod';
import { type KeepLog, ownArchitecture } from './kernel';

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

type Report = z.infer<typeof reportSchema>;

/** What `l3af-verify` printed about an object, as a statement. What it refused to look at is thrown. */
export async function statementOf(
  json: unknown,
  object: Uint8Array,
  keepLog?: KeepLog,
): Promise<VerifiedStatement> {
  const report = parseReport(json);
  const programs = await Promise.all(report.programs.map((program) => programOf(program, keepLog)));
  const first = programs.find(({ error }) => error)?.error;
  return {
    kernel: report.kernel,
    architecture: ownArchitecture,
    objectDigest: `sha256:${createHash('sha256').update(object).digest('hex')}`,
    loaded: programs.every(({ loaded }) => loaded),
    ...(first && { error: first }),
    programs,
    tests: { passed: report.passed, failed: report.failed, skipped: report.skipped },
  };
}

function parseReport(json: unknown): Report {
  const refusal = refusalSchema.safeParse(json);
  if (refusal.success) throw fromWireError(refusal.data.error);
  const report = reportSchema.safeParse(json);
  if (report.success) return report.data;
  const seen = (JSON.stringify(json) ?? 'nothing').slice(0, 200);
  throw new L3afError('internal', cannot('read', 'report of', 'l3af-verify', seen), { cause: report.error });
}

async function programOf(
  { program, hook, alone, chained }: Report['programs'][number],
  keepLog: KeepLog | undefined,
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
async function shortened({ code, message, details }: WireError, keepLog?: KeepLog): Promise<WireError> {
  const text = details?.['log'];
  if (!keepLog || typeof text !== 'string' || text === '') return { code, message };
  return { code, message, details: { log: await keepLog(text) } };
}
