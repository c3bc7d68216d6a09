import { z } from 'zod';
import { objectReferenceSchema } from './envelope';
import { wireErrorSchema } from './errors';
import { hookSchema } from './names';

export const attachModes = ['native', 'generic', 'tcx', 'cls_bpf'] as const;
export type AttachMode = (typeof attachModes)[number];

const head = {
  node: z.string(),
  interface: z.string(),
  hook: hookSchema,
  revision: z.number().int().nonnegative(),
};

export const reportedKfSchema = z.object({
  name: z.string(),
  digest: z.string(),
  /** The kernel's id of the loaded entry program. */
  programId: z.number().int(),
  enabled: z.boolean(),
});
export type ReportedKf = z.infer<typeof reportedKfSchema>;

/** Milliseconds of each part of an apply; `totalMs` is from the event's arrival to the chain being live. */
export const applyTimingsSchema = z.object({
  pullMs: z.number(),
  loadMs: z.number(),
  swapMs: z.number(),
  totalMs: z.number(),
});
export type ApplyTimings = z.infer<typeof applyTimingsSchema>;

const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ type: z.literal(type), version: z.literal(1), data: z.object({ ...head, ...shape }) });

/** The chain is live as its revision says. An empty `kfs` is a cleared chain. */
export const chainAppliedSchema = event('ChainApplied', {
  sequence: z.number().int(),
  generation: z.number().int(),
  mode: z.enum(attachModes),
  kfs: z.array(reportedKfSchema),
  timings: applyTimingsSchema,
  warnings: z.array(z.string()),
});
/** The chain was deleted and nothing of it is left on the hook. */
export const chainDetachedSchema = event('ChainDetached', { sequence: z.number().int() });
/** The revision was refused; whatever was live before still is. */
export const chainRejectedSchema = event('ChainRejected', {
  sequence: z.number().int(),
  error: wireErrorSchema,
  kf: z.string().optional(),
  log: objectReferenceSchema.optional(),
  liveRevision: z.number().int().optional(),
  /** It failed for a reason that passes, and the node tries it again by itself: the revision is pending, not refused. */
  retrying: z.boolean().optional(),
});
export const chainRolledBackSchema = event('ChainRolledBack', {
  sequence: z.number().int(),
  toRevision: z.number().int(),
  generation: z.number().int(),
  error: wireErrorSchema,
});
export const chainDriftedSchema = event('ChainDrifted', {
  drift: z.string(),
  detail: z.string(),
  action: z.enum(['repaired', 'left']),
});
/** Packets fell through a tail call inside the chain: part of it was bypassed. */
export const chainBrokenSchema = event('ChainBroken', { kf: z.string(), packets: z.number() });
export const kfUnhealthySchema = event('KfUnhealthy', { kf: z.string(), detail: z.string() });
export const kfRestartedSchema = event('KfRestarted', {
  kf: z.string(),
  detail: z.string(),
  restarts: z.number().int(),
});

/** Somebody let the counters of a live chain, or of one KF of it, begin at zero; `kfs`: what they were before. */
export const countersResetSchema = event('CountersReset', {
  generation: z.number().int(),
  /** Who asked; the envelope's actor is the executor. */
  actor: z.string(),
  reason: z.string().optional(),
  kfs: z.array(
    z.object({ name: z.string(), verdicts: z.record(z.string(), z.number()), proceeded: z.number() }),
  ),
});

export const reportEventSchema = z.discriminatedUnion('type', [
  chainAppliedSchema,
  chainDetachedSchema,
  chainRejectedSchema,
  chainRolledBackSchema,
  chainDriftedSchema,
  chainBrokenSchema,
  kfUnhealthySchema,
  kfRestartedSchema,
  countersResetSchema,
]);
export type ReportEvent = z.infer<typeof reportEventSchema>;
