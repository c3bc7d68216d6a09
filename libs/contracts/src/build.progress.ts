import { z } from 'zod';

/** A line of a build's live progress, on `l3af.live.build.<id>`. */
export const buildProgressSchema = z.object({
  build: z.string(),
  at: z.iso.datetime(),
  step: z.enum(['fetch', 'compile', 'inspect', 'verify', 'package', 'push', 'sign']),
  target: z.string().optional(),
  message: z.string(),
});
export type BuildProgress = z.infer<typeof buildProgressSchema>;
