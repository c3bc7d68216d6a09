import { L3afError, type WireError } from '@l3af/contracts';
import type { Style } from './style';
import { lastUsefulLine } from './verifier-log';

/**
 * What a failed command prints: the message, then what helps to act on it, one fact a line. Causes come
 * outermost first; of a verifier's log only the last useful line, with the command that prints the whole.
 */
export function describeFailure(error: unknown, style: Style): string {
  if (!(error instanceof L3afError)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${style.red('Unexpected failure of l3af itself')}: ${message}`;
  }
  const { details } = error;
  const log = text(details.logDigest);
  const facts: [string, string | undefined][] = [
    ...causesOf(error).map((cause): [string, string] => ['cause', cause]),
    ['kf', text(details.kf)],
    ['verifier', verifierLine(details)],
    ['log', log && `l3af log ${log}`],
    ['live', text(details.live)],
    ['correlation', text(details.correlationId)],
    ['hint', error.hint],
  ];
  const lines = facts.flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${style.dim(`${name}:`.padEnd(10))}${value}`],
  );
  return [style.red(error.message), ...diagnostics(details.diagnostics), ...lines].join('\n');
}

/** The messages below an error, outermost first, without those that only repeat what is above them. */
export function causesOf(error: Error): string[] {
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < 8;) {
    const message = cause instanceof Error ? cause.message : String(cause);
    if (message !== error.message && !causes.includes(message)) causes.push(message);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

/** The error of a report with what the report says beside it: the KF, and where the whole log is. */
export function reportedFailure(
  error: WireError,
  beside: { kf?: string | undefined; logDigest?: string | undefined; live?: string | undefined },
): L3afError {
  const cause = (error.causes ?? []).reduceRight<Error | undefined>(
    (below, message) => new Error(message, below && { cause: below }),
    undefined,
  );
  const known = Object.fromEntries(Object.entries(beside).filter(([, value]) => value !== undefined));
  return new L3afError(error.code, error.message, {
    ...(cause && { cause }),
    ...(error.hint !== undefined && { hint: error.hint }),
    details: { ...error.details, ...known },
  });
}

function verifierLine(details: Record<string, unknown>): string | undefined {
  if (typeof details.line === 'string') return details.line;
  const lines = details.lines ?? details.log;
  if (Array.isArray(lines)) return lastUsefulLine(lines.map(String));
  return typeof lines === 'string' ? lastUsefulLine(lines.split('\n')) : undefined;
}

function diagnostics(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
