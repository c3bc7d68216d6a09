import { z } from 'zod';
import { chainAttachSchema } from './chain.attach';
import { mapMigrationSchema } from './chain.document';
import { configValueSchema } from './config-value';
import { digestSchema, hookSchema } from './names';

/** A KF of a chain with everything resolved: what a node needs and nothing it has to look up. */
export const desiredKfSchema = z.object({
  name: z.string(),
  package: z.string(),
  version: z.string(),
  digest: digestSchema,
  /** The entry function. */
  program: z.string(),
  enabled: z.boolean(),
  proceedOn: z.array(z.string()),
  config: z.record(z.string(), configValueSchema),
  state: z.enum(['keep', 'fresh']),
  migrate: z.record(z.string(), mapMigrationSchema).optional(),
});
export type DesiredKf = z.infer<typeof desiredKfSchema>;

/** What changed against the revision before, for people who read the history. */
export const chainChangeSchema = z.object({
  kind: z.enum([
    'apply',
    'insert',
    'remove',
    'move',
    'configure',
    'enable',
    'disable',
    'clear',
    'delete',
    'rollback',
  ]),
  summary: z.string(),
  reason: z.string().optional(),
});
export type ChainChange = z.infer<typeof chainChangeSchema>;

const head = {
  node: z.string(),
  interface: z.string(),
  hook: hookSchema,
  revision: z.number().int().positive(),
  change: chainChangeSchema,
};
const attached = { attach: chainAttachSchema.optional() };

export const chainRevisedSchema = z.object({
  type: z.literal('ChainRevised'),
  version: z.literal(1),
  data: z.object({ ...head, ...attached, kfs: z.array(desiredKfSchema).min(1) }),
});
/** The chain is empty; its link stays with a pass program. */
export const chainClearedSchema = z.object({
  type: z.literal('ChainCleared'),
  version: z.literal(1),
  data: z.object({ ...head, ...attached }),
});
/** The chain is detached from its hook. */
export const chainDeletedSchema = z.object({
  type: z.literal('ChainDeleted'),
  version: z.literal(1),
  data: z.object(head),
});

export const chainEventSchema = z.discriminatedUnion('type', [
  chainRevisedSchema,
  chainClearedSchema,
  chainDeletedSchema,
]);
export type ChainEvent = z.infer<typeof chainEventSchema>;
export type ChainRevised = z.infer<typeof chainRevisedSchema>;
