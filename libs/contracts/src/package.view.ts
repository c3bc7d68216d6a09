import { z } from 'zod';
import { chainStates } from './chain.view';
import { packageVersionViewSchema } from './config.queries';
import { wireErrorSchema } from './errors';
import { manifestSchema } from './manifest';
import { digestSchema, hookSchema } from './names';
import { statedVerificationSchema, staticReportSchema } from './package.statements';

/** A KF of a desired chain that is of a package's version. */
export const packageUseSchema = z.object({
  node: z.string(),
  interface: z.string(),
  hook: hookSchema,
  /** The KF's name in its chain. */
  kf: z.string(),
  enabled: z.boolean(),
  revision: z.number().int(),
  /** Of the chain, as its node last reported it; null before the first report. */
  state: z.enum(chainStates).nullable(),
});
export type PackageUse = z.infer<typeof packageUseSchema>;

/** All that is known of one version: what the events say, what its image and attachments say, and who runs it. */
export const packageDetailsSchema = packageVersionViewSchema.extend({
  /** kf.yaml, when the image has it. */
  manifest: manifestSchema.loose().nullable(),
  readme: z.string().nullable(),
  /** What kernels said of the object, from the statements attached, each with the trusted key that signed it. */
  statements: z.array(statedVerificationSchema),
  /** What the object asks of a kernel, and the first that has it all; null when it cannot be read. */
  needs: staticReportSchema.nullable(),
  /** Everything that refers to the version: signatures, statements, provenance, SBOM, tests. */
  attachments: z.array(
    z.object({ artifactType: z.string(), digest: digestSchema, title: z.string().optional() }),
  ),
  usedBy: z.array(packageUseSchema),
  /** Why manifest, readme, statements, needs and attachments could not be read; absent when they could. */
  problem: wireErrorSchema.optional(),
});
export type PackageDetails = z.infer<typeof packageDetailsSchema>;

/** The answer to a yank: new deployments are refused from now on, these run it and go on. */
export const yankedSchema = z.object({
  name: z.string(),
  version: z.string(),
  sequence: z.number().int(),
  usedBy: z.array(packageUseSchema),
});
export type Yanked = z.infer<typeof yankedSchema>;

/** The answer to who asks kernels about a version: builders will, and what each says is attached to it. */
export const verificationAcceptedSchema = z.object({
  name: z.string(),
  version: z.string(),
  digest: digestSchema,
  /** Of the request in the event stream. */
  sequence: z.number().int(),
});
export type VerificationAccepted = z.infer<typeof verificationAcceptedSchema>;
