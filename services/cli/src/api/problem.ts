import { L3afError, fromWireError, wireErrorSchema } from '@l3af/contracts';
import { z } from 'zod';

/** RFC 9457 problem details with our code; what other servers in between may answer is read as far as it goes. */
const problemSchema = z.object({
  code: wireErrorSchema.shape.code.optional(),
  title: z.string().optional(),
  detail: z.string().optional(),
  hint: z.string().optional(),
  causes: z.array(z.string()).optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  correlationId: z.string().optional(),
});

/** Turns an answer that is not a success into the error that the API meant. */
export function problemOf(request: string, status: number, body: string): L3afError {
  const problem = problemSchema.safeParse(parseJson(body)).data;
  const message = problem?.detail ?? problem?.title;
  if (!problem?.code || !message) {
    const text = body.trim().slice(0, 500);
    return new L3afError('internal', `Cannot ${request}: the API answered ${status}`, {
      ...(text !== '' && { cause: new Error(text) }),
      hint: 'Check that the address is an L3AF API: `l3af status` says which one is asked',
    });
  }
  const details = {
    ...problem.details,
    ...(problem.code === 'internal' &&
      problem.correlationId !== undefined && { correlationId: problem.correlationId }),
  };
  return fromWireError({
    code: problem.code,
    message,
    details,
    ...(problem.hint !== undefined && { hint: problem.hint }),
    ...(problem.causes && { causes: problem.causes }),
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
