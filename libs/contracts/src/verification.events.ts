import { z } from 'zod';
import { digestSchema, packageNameSchema, versionSchema } from './names';

/** Kernels are to say how they take a version. Each kernel that builders have answers once, with a statement attached to the package. */
export const verificationRequestedSchema = z.object({
  type: z.literal('VerificationRequested'),
  version: z.literal(1),
  data: z.object({
    name: packageNameSchema,
    digest: digestSchema,
    packageVersion: versionSchema.optional(),
    /** The build that made it, whose progress is told how its verification goes. */
    of: z.string().optional(),
    /** Only kernels of this series, such as `6.1`; default: every kernel there is. */
    kernel: z.string().optional(),
  }),
});
export type VerificationRequested = z.infer<typeof verificationRequestedSchema>;

/** Major and minor number of a kernel: what one release of it loads, the others of its series do. */
export const kernelSeries = (release: string): string => /^\d+\.\d+/.exec(release)?.[0] ?? release;
