import { z } from 'zod';
import catalogue from './errors.json';

/** A stable, documented error code: a key of `errors.json`. Codes are never renamed or reused. */
export type ErrorCode = keyof typeof catalogue;

export const errorCodes = Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]];

/** What the catalogue knows of a code: the HTTP and gRPC status it maps to, and a hint of what to do. */
export function describeError(code: ErrorCode): { http: number; grpc: string; hint: string } {
  return catalogue[code];
}

export interface ErrorOptions {
  cause?: unknown;
  hint?: string;
  /** Machine-readable particulars: the KF, the file and line, the log's digest. */
  details?: Record<string, unknown>;
}

/**
 * A refusal or failure that a person will read. Its message reads
 * `Cannot <verb> <noun> "<value>": <state>, needs <state>`; see {@link cannot}.
 */
export class L3afError extends Error {
  override readonly name = 'L3afError';
  readonly hint: string;
  readonly details: Record<string, unknown>;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint ?? describeError(code).hint;
    this.details = options.details ?? {};
  }
}

/** Builds the house's error message: `Cannot apply chain "demo-1/l3af0/xdp": no such node`. */
// eslint-disable-next-line max-params -- the four are the words of one sentence, read in its order at every call
export function cannot(verb: string, noun: string, value: string, state: string): string {
  return `Cannot ${verb} ${noun} ${JSON.stringify(value)}: ${state}`;
}

/** An error as it travels: in reports, replies and problem details. `causes` are the messages below it, outermost first. */
export const wireErrorSchema = z.object({
  code: z.enum(errorCodes).catch('internal'),
  message: z.string(),
  hint: z.string().optional(),
  causes: z.array(z.string()).optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type WireError = z.infer<typeof wireErrorSchema>;

/** Turns anything thrown into its wire form; what is not a {@link L3afError} becomes `internal`. */
export function toWireError(error: unknown): WireError {
  const causes: string[] = [];
  let cause: unknown = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && causes.length < 8) {
    causes.push(cause instanceof Error ? cause.message : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  if (error instanceof L3afError) {
    const hasDetails = Object.keys(error.details).length > 0;
    return {
      code: error.code,
      message: error.message,
      hint: error.hint,
      ...(causes.length > 0 && { causes }),
      ...(hasDetails && { details: error.details }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'internal',
    message,
    hint: describeError('internal').hint,
    ...(causes.length > 0 && { causes }),
  };
}

/** The inverse of {@link toWireError}, for clients. */
export function fromWireError(wire: WireError): L3afError {
  const cause = (wire.causes ?? []).reduceRight<Error | undefined>(
    (below, message) => new Error(message, below ? { cause: below } : undefined),
    undefined,
  );
  return new L3afError(wire.code, wire.message, {
    ...(cause && { cause }),
    ...(wire.hint !== undefined && { hint: wire.hint }),
    ...(wire.details && { details: wire.details }),
  });
}
