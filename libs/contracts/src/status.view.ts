import { z } from 'zod';
import { projectionStatusSchema } from './config.queries';
import { wireErrorSchema } from './errors';

/** What `l3af status` prints, and GET /v1/status answers, whatever is away. */
export const statusViewSchema = z.object({
  bus: z.object({
    connected: z.boolean(),
    server: z.string().nullable(),
    serverVersion: z.string().nullable(),
    reconnects: z.number().int(),
  }),
  /** The last sequence of the event stream as config-store knows it; null when it does not answer. */
  streamSequence: z.number().int().nullable(),
  projections: z.array(projectionStatusSchema),
  nodes: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['ready', 'silent']),
      lastSeenAt: z.string().nullable(),
      rssBytes: z.number().nullable(),
    }),
  ),
  /** Where packages are pulled from, and whether it answers. */
  registry: z.object({ url: z.string(), reachable: z.boolean() }).optional(),
  /** Of the queue that builders share; null when it cannot be asked. Without idle and busy ones nobody builds. */
  builders: z
    .object({ idle: z.number().int(), busy: z.number().int(), queued: z.number().int() })
    .nullable()
    .optional(),
  /** What is wrong now; empty when all is well. */
  problems: z.array(wireErrorSchema),
});
export type StatusView = z.infer<typeof statusViewSchema>;

/** The answer to a request for a build. */
export const buildAcceptedSchema = z.object({
  build: z.string(),
  sequence: z.number().int(),
  /** Path of the event stream that tells what becomes of it. */
  watch: z.string(),
  /** False when there was nothing to do: a build that is cancelled again. */
  changed: z.boolean(),
});
export type BuildAccepted = z.infer<typeof buildAcceptedSchema>;
