import { z } from 'zod';

/** `?minSequence=412`: the answer has seen this sequence, so that callers read their own writes. */
export const minSequenceSchema = z.object({
  minSequence: z.coerce
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('The answer has seen this sequence: for reading your own writes'),
});
