import { z } from 'zod';
import { attachProblem, chainAttachSchema } from './chain.attach';
import { configValueSchema } from './config-value';
import {
  hookSchema,
  instanceNameSchema,
  interfaceNameSchema,
  nodeNameSchema,
  parsePackageReference,
} from './names';

/** How the content of a map goes over to a new version whose definition differs; fields are matched by name, by BTF. */
export const mapMigrationSchema = z.strictObject({
  /** The map's name in the version that runs; default: the same. */
  from: z.string().min(1).optional(),
  /** New field name: old field name. `""` stands for a value that is no struct. */
  rename: z.record(z.string(), z.string()).default({}),
  /** What fields that were not there before start with; default: zero. */
  defaults: z.record(z.string(), configValueSchema).default({}),
});
export type MapMigrationDocument = z.infer<typeof mapMigrationSchema>;

export const kfDocumentSchema = z.strictObject({
  name: instanceNameSchema.optional(),
  package: z
    .string()
    .refine(
      (text) => parsePackageReference(text) !== undefined,
      'must be NAME, NAME@VERSION or NAME@sha256:…',
    ),
  program: z.string().min(1).optional(),
  enabled: z.boolean().default(true),
  proceedOn: z.array(z.string()).optional(),
  config: z.record(z.string(), configValueSchema).default({}),
  /** What happens to map state when a new version's map definitions differ; default: the chain is refused. */
  state: z.enum(['keep', 'fresh']).default('keep'),
  /** By map name in the new version. */
  migrate: z.record(z.string(), mapMigrationSchema).optional(),
});
export type KfDocument = z.infer<typeof kfDocumentSchema>;
export type KfDocumentInput = z.input<typeof kfDocumentSchema>;

/** A chain document: the whole truth for its node, interface and hook. */
export const chainDocumentSchema = z
  .strictObject({
    apiVersion: z.literal('l3af/v1'),
    kind: z.literal('Chain'),
    node: nodeNameSchema,
    interface: interfaceNameSchema,
    hook: hookSchema,
    /** How it shares the hook with others. */
    attach: chainAttachSchema.optional(),
    kfs: z.array(kfDocumentSchema),
  })
  .superRefine(({ attach, hook }, context) => {
    const problem = attach && attachProblem(attach, hook);
    if (problem)
      context.addIssue({ code: 'custom', path: ['attach', problem.field], message: problem.message });
  });
export type ChainDocument = z.infer<typeof chainDocumentSchema>;
export type ChainDocumentInput = z.input<typeof chainDocumentSchema>;
