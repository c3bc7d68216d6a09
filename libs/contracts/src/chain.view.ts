import { z } from 'zod';
import { chainAttachSchema } from './chain.attach';
import { wireErrorSchema } from './errors';
import { objectReferenceSchema } from './envelope';
import { desiredKfSchema, chainChangeSchema } from './chain.events';
import { hookSchema } from './names';
import { applyTimingsSchema, attachModes } from './report.events';

export const chainStates = ['pending', 'live', 'rejected', 'rolled-back', 'degraded', 'silent'] as const;
export type ChainState = (typeof chainStates)[number];

/** `verdicts`: with which packets left the chain at this KF. `proceeded`: went on (for the last KF: reached the end). */
export const kfCountersSchema = z.object({
  name: z.string(),
  programId: z.number().int(),
  verdicts: z.record(z.string(), z.number()),
  proceeded: z.number(),
  nanoseconds: z.number().optional(),
});
export type KfCounters = z.infer<typeof kfCountersSchema>;

/** What `chain show -o json` prints, and GET of a chain answers. */
export const chainViewSchema = z.object({
  node: z.string(),
  interface: z.string(),
  hook: hookSchema,
  /** Null when the chain was deleted. */
  desired: z
    .object({
      revision: z.number().int(),
      sequence: z.number().int(),
      attach: chainAttachSchema.optional(),
      kfs: z.array(desiredKfSchema),
    })
    .nullable(),
  reported: z
    .object({
      revision: z.number().int(),
      state: z.enum(chainStates),
      generation: z.number().int().optional(),
      mode: z.enum(attachModes).optional(),
      at: z.string().optional(),
      kfs: z.array(kfCountersSchema.partial({ verdicts: true, proceeded: true })),
      timings: applyTimingsSchema.optional(),
      error: wireErrorSchema.optional(),
      log: objectReferenceSchema.optional(),
      warnings: z.array(z.string()).optional(),
    })
    .nullable(),
});
export type ChainView = z.infer<typeof chainViewSchema>;

/** One revision of a chain with what became of it. */
export const chainHistoryEntrySchema = z.object({
  sequence: z.number().int(),
  at: z.string(),
  actor: z.string(),
  revision: z.number().int(),
  change: chainChangeSchema,
  kfs: z.array(desiredKfSchema),
  outcome: z.enum(['pending', 'applied', 'rejected', 'rolled-back', 'superseded', 'detached']),
  error: wireErrorSchema.optional(),
});
export type ChainHistoryEntry = z.infer<typeof chainHistoryEntrySchema>;

/** The answer to every change of a chain. */
export const acceptedSchema = z.object({
  revision: z.number().int(),
  sequence: z.number().int(),
  /** Path of the event stream that tells what becomes of it. */
  watch: z.string(),
  /** False when the chain was already as asked, and nothing was stored. */
  changed: z.boolean(),
  /** What changed; absent when nothing did. */
  change: chainChangeSchema.optional(),
  /** True when it was only decided: nothing was stored, and the revision is what a change would get. */
  dryRun: z.boolean().optional(),
  /** What to know before the node reports, such as that nobody has verified a package on its kernel. */
  warnings: z.array(z.string()).optional(),
});
export type Accepted = z.infer<typeof acceptedSchema>;
