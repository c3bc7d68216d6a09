import { L3afError } from '@l3af/contracts';
import { uuidv7 } from 'uuidv7';

/** Who asks, and as what the request is known in logs, events and errors. The same for REST and gRPC. */
export interface RequestContext {
  actor: string;
  correlationId: string;
  /** Why, for the history. */
  reason?: string;
}

export const contextHeaders = {
  actor: 'x-l3af-actor',
  correlationId: 'x-correlation-id',
  reason: 'x-l3af-reason',
} as const;

/** Reads the context from headers or gRPC metadata. Refuses what would not be fit for the history. */
export function readContext(header: (name: string) => string | undefined): RequestContext {
  const actor = decode(header(contextHeaders.actor)) ?? 'anonymous';
  if (actor.length > 200) throw tooLong(contextHeaders.actor, 200);
  const reason = decode(header(contextHeaders.reason));
  if (reason !== undefined && reason.length > 1000) throw tooLong(contextHeaders.reason, 1000);
  return { actor, correlationId: correlationIdOf(header), ...(reason !== undefined && { reason }) };
}

/** The caller's id when it is one word of printable characters; else a new one. */
export function correlationIdOf(header: (name: string) => string | undefined): string {
  const given = header(contextHeaders.correlationId);
  return given !== undefined && /^[\x21-\x7e]{1,128}$/.test(given) ? given : uuidv7();
}

/** Headers are ASCII; people's names and reasons are not: they may come percent-encoded. */
function decode(text: string | undefined): string | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  try {
    return decodeURIComponent(text).trim();
  } catch {
    return text.trim();
  }
}

function tooLong(header: string, max: number): L3afError {
  return new L3afError(
    'invalid-request',
    `Cannot accept header "${header}": needs ${max} characters or fewer`,
  );
}
