import { z } from 'zod';
import { objectSchemaSchema } from './config-value';
import { chainHistoryEntrySchema, chainViewSchema } from './chain.view';
import { diagnosticSchema } from './build.events';
import { wireErrorSchema } from './errors';
import { hookSchema } from './names';
import { nodeInterfaceSchema } from './node.events';
import { objectReferenceSchema } from './envelope';
import { verifiedProgramSchema, verifiedTestsSchema } from './package.events';

/** Every query may ask that the projections have seen a sequence: a caller reads its own writes. */
const fresh = { minSequence: z.number().int().nonnegative().optional() };
const key = { node: z.string(), interface: z.string(), hook: hookSchema };

export const nodeViewSchema = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  kernel: z.string(),
  architecture: z.string(),
  interfaces: z.array(nodeInterfaceSchema),
  features: z.record(z.string(), z.boolean()),
  registeredAt: z.string(),
  lastSeenAt: z.string().nullable(),
  state: z.enum(['ready', 'silent']),
  rssBytes: z.number().nullable(),
});
export type NodeView = z.infer<typeof nodeViewSchema>;

export const packageVersionViewSchema = z.object({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  publishedAt: z.string(),
  architectures: z.array(z.string()),
  sizeBytes: z.number(),
  schema: objectSchemaSchema.nullable(),
  description: z.string().nullable(),
  license: z.string().nullable(),
  sourceDigest: z.string().nullable(),
  signers: z.array(z.string()),
  yanked: z.string().nullable(),
  verified: z.array(
    z.object({
      kernel: z.string(),
      architecture: z.string(),
      loaded: z.boolean(),
      error: wireErrorSchema.nullable(),
      /** Each program by itself; events of before it was kept have none. */
      programs: z.array(verifiedProgramSchema).optional(),
      tests: verifiedTestsSchema.nullable().optional(),
      /** Who states it. */
      keyId: z.string().nullable().optional(),
    }),
  ),
});
export type PackageVersionView = z.infer<typeof packageVersionViewSchema>;
/** Newest version first. */
export const packageViewSchema = z.object({ name: z.string(), versions: z.array(packageVersionViewSchema) });
export type PackageView = z.infer<typeof packageViewSchema>;

export const buildViewSchema = z.object({
  id: z.string(),
  state: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  requestedAt: z.string(),
  requestedBy: z.string(),
  builder: z.string().nullable(),
  name: z.string().nullable(),
  version: z.string().nullable(),
  digest: z.string().nullable(),
  error: wireErrorSchema.nullable(),
  diagnostics: z.array(diagnosticSchema),
  log: objectReferenceSchema.nullable(),
  durationMs: z.number().nullable(),
});
export type BuildView = z.infer<typeof buildViewSchema>;

export const projectionStatusSchema = z.object({
  name: z.string(),
  sequence: z.number().int(),
  lag: z.number().int(),
  state: z.enum(['running', 'standby', 'stopped']),
  /** Why it stopped, with the sequence of the event that poisoned it. */
  error: z.object({ sequence: z.number().int(), message: z.string() }).nullable(),
});
export type ProjectionStatus = z.infer<typeof projectionStatusSchema>;

/** The queries of config-store: request and reply by name. `null` replies mean: there is none. */
export const configQueries = {
  'nodes.list': { request: z.object(fresh), reply: z.array(nodeViewSchema) },
  'nodes.get': { request: z.object({ name: z.string(), ...fresh }), reply: nodeViewSchema.nullable() },
  /** All chains that exist (deleted ones only with `deleted`), of one node when named; sorted by node, interface, hook. */
  'chains.list': {
    request: z.object({ node: z.string().optional(), deleted: z.boolean().optional(), ...fresh }),
    reply: z.array(chainViewSchema),
  },
  'chains.get': { request: z.object({ ...key, ...fresh }), reply: chainViewSchema.nullable() },
  /** The interfaces and hooks that ever had a chain, deleted ones included: what an executor asks at start. */
  'chains.keys': { request: z.object({ node: z.string(), ...fresh }), reply: z.array(z.object(key)) },
  'chains.history': { request: z.object({ ...key, ...fresh }), reply: z.array(chainHistoryEntrySchema) },
  'packages.list': { request: z.object(fresh), reply: z.array(packageViewSchema) },
  'packages.get': { request: z.object({ name: z.string(), ...fresh }), reply: packageViewSchema.nullable() },
  'builds.list': { request: z.object(fresh), reply: z.array(buildViewSchema) },
  'builds.get': { request: z.object({ id: z.string(), ...fresh }), reply: buildViewSchema.nullable() },
  status: {
    request: z.object(fresh),
    reply: z.object({ projections: z.array(projectionStatusSchema), streamSequence: z.number().int() }),
  },
} as const;
export type ConfigQueryName = keyof typeof configQueries;
export type ConfigRequest<N extends ConfigQueryName> = z.input<(typeof configQueries)[N]['request']>;
export type ConfigReply<N extends ConfigQueryName> = z.infer<(typeof configQueries)[N]['reply']>;
