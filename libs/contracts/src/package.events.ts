import { z } from 'zod';
import { objectSchemaSchema } from './config-value';
import { digestSchema, hookSchema, packageNameSchema, versionSchema } from './names';
import { wireErrorSchema } from './errors';

/** How one program of a package did on a kernel. */
export const verifiedProgramSchema = z.object({
  name: z.string(),
  hook: hookSchema.optional(),
  /** That the verifier went through; 0 where the kernel does not say. */
  instructions: z.number(),
  /** Left out where timing is not real. */
  nanosecondsPerPacket: z.number().optional(),
  loaded: z.boolean(),
  error: wireErrorSchema.optional(),
});
export type VerifiedProgram = z.infer<typeof verifiedProgramSchema>;
export const verifiedTestsSchema = z.object({
  passed: z.number().int(),
  failed: z.number().int(),
  skipped: z.number().int(),
});

const head = { name: packageNameSchema, digest: digestSchema };

/** A version of a package was pushed. `digest` is the index's digest. */
export const packagePublishedSchema = z.object({
  type: z.literal('PackagePublished'),
  version: z.literal(1),
  data: z.object({
    ...head,
    packageVersion: versionSchema,
    architectures: z.array(z.string()),
    sizeBytes: z.number().int(),
    /** What is inside the object; left out when it is too large for an event (it is also a label of the image). */
    schema: objectSchemaSchema.optional(),
    description: z.string().optional(),
    license: z.string().optional(),
    sourceDigest: z.string().optional(),
  }),
});
export type PackagePublished = z.infer<typeof packagePublishedSchema>;
export const packageSignedSchema = z.object({
  type: z.literal('PackageSigned'),
  version: z.literal(1),
  data: z.object({
    ...head,
    /** sha256 of the SPKI DER of the public key, hex, or the signer's identity. */ keyId: z.string(),
    form: z.enum(['tag', 'bundle']),
  }),
});
/** The package's objects were really loaded on a kernel, or refused by it. */
export const packageVerifiedSchema = z.object({
  type: z.literal('PackageVerified'),
  version: z.literal(1),
  data: z.object({
    ...head,
    kernel: z.string(),
    architecture: z.string(),
    loaded: z.boolean(),
    error: wireErrorSchema.optional(),
    programs: z.array(verifiedProgramSchema),
    /** Its packet tests on that kernel. */
    tests: verifiedTestsSchema.optional(),
    /** Who states it: as in PackageSigned, and as little checked. */
    keyId: z.string().optional(),
  }),
});
export type PackageVerified = z.infer<typeof packageVerifiedSchema>;
export const packageYankedSchema = z.object({
  type: z.literal('PackageYanked'),
  version: z.literal(1),
  data: z.object({ ...head, packageVersion: versionSchema, reason: z.string() }),
});
export const packageEventSchema = z.discriminatedUnion('type', [
  packagePublishedSchema,
  packageSignedSchema,
  packageVerifiedSchema,
  packageYankedSchema,
]);
export type PackageEvent = z.infer<typeof packageEventSchema>;

/** Labels of an image's configuration. The first two are bpfman's; the others ours. */
export const imageLabels = {
  programs: 'io.ebpf.programs',
  maps: 'io.ebpf.maps',
  /** kf.yaml as JSON. */
  manifest: 'io.l3af.manifest',
  /** {@link objectSchemaSchema} as JSON. */
  schema: 'io.l3af.schema',
  sourceDigest: 'io.l3af.source',
} as const;
