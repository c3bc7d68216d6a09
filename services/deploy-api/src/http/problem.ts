import { describeError, L3afError, toWireError, wireErrorSchema, type ErrorCode } from '@l3af/contracts';
import { HttpException } from '@nestjs/common';
import { z } from 'zod';

/** RFC 9457 problem details, with our stable code and what else helps whoever reads it. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
  code: wireErrorSchema.shape.code,
  hint: z.string().optional(),
  causes: z.array(z.string()).optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  correlationId: z.string(),
});
export type Problem = z.infer<typeof problemSchema>;

/** Turns anything thrown into problem details. */
export function problemOf(error: unknown, request: { path: string; correlationId: string }): Problem {
  const { code, message, ...rest } = toWireError(houseError(error));
  return {
    type: `/docs#error-${code}`,
    title: code.replace(/-/g, ' '),
    status: describeError(code).http,
    // What went wrong inside is for the log; the correlation id finds it there.
    detail: code === 'internal' ? 'Cannot answer the request: something went wrong inside' : message,
    instance: request.path,
    code,
    ...(code === 'internal' ? { hint: rest.hint ?? '' } : rest),
    correlationId: request.correlationId,
  };
}

/** The errors of Nest, of Express's body parser and of zod in our words; others as they are. */
export function houseError(error: unknown): unknown {
  if (error instanceof L3afError) return error;
  if (error instanceof z.ZodError) {
    return new L3afError('invalid-request', `Cannot accept the request: ${z.prettifyError(error)}`, {
      cause: error,
    });
  }
  const status = statusOf(error);
  const code = status === undefined ? undefined : codeByStatus[status];
  if (code === undefined) return error;
  return new L3afError(code, `Cannot answer the request: ${(error as Error).message}`);
}

const codeByStatus: Record<number, ErrorCode> = {
  400: 'invalid-request',
  404: 'unknown-path',
  413: 'payload-too-large',
  415: 'invalid-request',
};

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' ? status : undefined;
}
