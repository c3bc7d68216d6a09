import {
  L3afError,
  buildEventSchema,
  buildProgressSchema,
  buildRequestEventSchema,
  envelopeSchema,
  type BuildAccepted,
  type Diagnostic,
} from '@l3af/contracts';
import { z } from 'zod';
import { reportedFailure } from '../output/failure';
import type { Session } from '../session';

export interface BuiltPackage {
  name: string;
  version: string;
  digest: string;
  /** Kernels that are asked how they take it. */
  verifiesOn: string[];
}

const messageSchema = z.object({ sequence: z.number().int(), envelope: envelopeSchema });

/** Follows a build to its end, with its progress and the compiler's warnings on stderr; a failure is thrown with its diagnostics. */
export async function awaitBuild(session: Session, accepted: BuildAccepted): Promise<BuiltPackage> {
  const stop = new AbortController();
  const said = new Set<string>();
  try {
    for await (const { data } of session.api.events(accepted.watch, { signal: stop.signal })) {
      const value = parseJson(data);
      showProgress(session, value, said);
      const message = messageSchema.safeParse(value).data;
      for (const event of message?.envelope.events ?? []) {
        const built = judge(session, event, accepted.build);
        if (built) {
          await seenByReaders(session, built.name, message!.sequence);
          return built;
        }
      }
    }
  } finally {
    stop.abort();
  }
  throw new L3afError(
    'internal',
    `Cannot follow build "${accepted.build}": the watch ended before the build did`,
  );
}

/** Waits until the catalogue has the package, so that whatever the caller does next with it finds it. */
async function seenByReaders(session: Session, name: string, minSequence: number): Promise<void> {
  const path = `/v1/packages/${encodeURIComponent(name)}?minSequence=${minSequence}`;
  await session.api.ask(path, z.unknown()).catch((error: unknown) => {
    session.print.note(`published, but the catalogue lags: ${(error as Error).message}`);
  });
}

function showProgress(session: Session, value: unknown, said: Set<string>): void {
  const progress = buildProgressSchema.safeParse(value).data;
  if (!progress) return;
  const target = progress.target ? ` (${progress.target})` : '';
  const line = `${progress.step}${target}: ${progress.message}`;
  // A step that failed is told at the end, with all that is known of it.
  if (progress.message.startsWith('Cannot ')) return;
  // The watch may tell again what it told before a connection broke.
  if (!said.has(line)) session.print.note(session.print.noteStyle.dim(line));
  said.add(line);
}

function judge(session: Session, raw: unknown, build: string): BuiltPackage | undefined {
  const cancelled = buildRequestEventSchema.safeParse(raw).data;
  if (cancelled?.type === 'BuildCancelled' && cancelled.data.build === build) {
    throw new L3afError(
      'build-cancelled',
      `Cannot finish build "${build}": cancelled, ${cancelled.data.reason}`,
    );
  }
  const event = buildEventSchema.safeParse(raw).data;
  if (!event || event.data.build !== build || event.type === 'BuildStarted') return undefined;
  const { diagnostics, log } = event.data;
  if (event.type === 'BuildFailed') {
    const failure = reportedFailure(event.data.error, { logDigest: log?.digest });
    // The catalogue's own details are kept; the lines are what people look for first.
    failure.details.diagnostics = diagnostics.map(diagnosticLine);
    throw failure;
  }
  for (const diagnostic of diagnostics) session.print.note(diagnosticLine(diagnostic));
  const { name, packageVersion: version, digest, verifiesOn = [] } = event.data;
  return { name, version, digest, verifiesOn };
}

/** `drop.bpf.c:12:5: error: …`, as compilers write it and editors read it; linkers name no file. */
export function diagnosticLine({ file, line, column, severity, message }: Diagnostic): string {
  if (file === '') return `${severity}: ${message}`;
  const place = column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
  return `${place}: ${severity}: ${message}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
