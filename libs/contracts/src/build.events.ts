import { z } from 'zod';
import { objectReferenceSchema } from './envelope';
import { wireErrorSchema } from './errors';
import { digestSchema, packageNameSchema, versionSchema } from './names';

/** Where the source is. An archive or object is in the object store; `folder` is a path inside an archive or repository. */
export const buildSourceSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('archive'),
    object: objectReferenceSchema,
    fileName: z.string(),
    folder: z.string().optional(),
  }),
  z.object({ kind: z.literal('object'), object: objectReferenceSchema, fileName: z.string() }),
  z.object({
    kind: z.literal('git'),
    url: z.string(),
    ref: z.string().optional(),
    folder: z.string().optional(),
    /** The name of a credential that the builder holds; never the credential. */
    credential: z.string().optional(),
  }),
]);
export type BuildSource = z.infer<typeof buildSourceSchema>;

export const buildRequestedSchema = z.object({
  type: z.literal('BuildRequested'),
  version: z.literal(1),
  data: z.object({
    build: z.string(),
    source: buildSourceSchema,
    /** Override what kf.yaml or the file name says. */
    name: packageNameSchema.optional(),
    packageVersion: versionSchema.optional(),
  }),
});
export type BuildRequested = z.infer<typeof buildRequestedSchema>;
export const buildCancelledSchema = z.object({
  type: z.literal('BuildCancelled'),
  version: z.literal(1),
  data: z.object({ build: z.string(), reason: z.string() }),
});
export const buildRequestEventSchema = z.discriminatedUnion('type', [
  buildRequestedSchema,
  buildCancelledSchema,
]);
export type BuildRequestEvent = z.infer<typeof buildRequestEventSchema>;

export const diagnosticSchema = z.object({
  severity: z.enum(['error', 'warning', 'note']),
  file: z.string(),
  line: z.number().int(),
  column: z.number().int().optional(),
  message: z.string(),
});
export type Diagnostic = z.infer<typeof diagnosticSchema>;

export const buildStartedSchema = z.object({
  type: z.literal('BuildStarted'),
  version: z.literal(1),
  data: z.object({ build: z.string(), builder: z.string(), attempt: z.number().int() }),
});
export const buildSucceededSchema = z.object({
  type: z.literal('BuildSucceeded'),
  version: z.literal(1),
  data: z.object({
    build: z.string(),
    name: packageNameSchema,
    packageVersion: versionSchema,
    digest: digestSchema,
    sourceDigest: z.string(),
    durationMs: z.number(),
    /** Kernels that the builder will ask how they take it: releases, and versions that machines boot. Others may be asked, too. */
    verifiesOn: z.array(z.string()).optional(),
    diagnostics: z.array(diagnosticSchema).max(100),
    log: objectReferenceSchema.optional(),
  }),
});
export const buildFailedSchema = z.object({
  type: z.literal('BuildFailed'),
  version: z.literal(1),
  data: z.object({
    build: z.string(),
    error: wireErrorSchema,
    diagnostics: z.array(diagnosticSchema).max(100),
    log: objectReferenceSchema.optional(),
  }),
});
export const buildEventSchema = z.discriminatedUnion('type', [
  buildStartedSchema,
  buildSucceededSchema,
  buildFailedSchema,
]);
export type BuildEvent = z.infer<typeof buildEventSchema>;
