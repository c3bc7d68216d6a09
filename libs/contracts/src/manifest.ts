import { z } from 'zod';
import { packageNameSchema, versionSchema } from './names';

const userspaceSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be a file name of lower-case letters, digits, . _ -'),
  language: z.enum(['c', 'go', 'rust']),
  /** The source file (Go: its package's folder), relative to kf.yaml. */
  source: z.string().min(1),
  /** To be linked with. */
  libraries: z
    .array(z.enum(['bpf', 'elf', 'z', 'm', 'pthread']))
    .max(5)
    .optional(),
});
export type UserspaceProgram = z.infer<typeof userspaceSchema>;

/** `kf.yaml`: what a KF's author says of it. Everything else is derived from the object. */
export const manifestSchema = z.strictObject({
  apiVersion: z.literal('l3af/v1'),
  kind: z.literal('KernelFunction'),
  name: packageNameSchema,
  version: versionSchema,
  description: z.string().max(1000).optional(),
  license: z.string().max(200).optional(),
  readme: z.string().optional(),
  /** The one source file that is compiled, relative to kf.yaml; default: the only `*.bpf.c`. */
  source: z.string().optional(),
  /** CPU levels; the first is the default. */
  cpu: z
    .array(z.enum(['v1', 'v2', 'v3', 'v4']))
    .min(1)
    .optional(),
  /** GOARCH names; default: amd64 and arm64. */
  architectures: z
    .array(z.enum(['amd64', 'arm64', 's390x']))
    .min(1)
    .optional(),
  flags: z.array(z.string()).max(64).optional(),
  /** Prose for the maps and constants that users set, by name. */
  config: z.record(z.string(), z.strictObject({ description: z.string().optional() })).optional(),
  /** Maps that are metrics, by name. */
  metrics: z
    .record(z.string(), z.strictObject({ description: z.string().optional(), unit: z.string().optional() }))
    .optional(),
  /** Files of packet tests, relative to kf.yaml (docs/writing-a-kf.md). */
  tests: z.array(z.string().min(1)).max(64).optional(),
  /** Programs that run beside the KF, compiled with it and attached to the package. */
  userspace: z.array(userspaceSchema).max(8).optional(),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** JSON Schema of `kf.yaml`, for editors: published in docs and by the API. */
export function manifestJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(manifestSchema, { target: 'draft-7', io: 'input' });
  return { ...schema, title: 'L3AF kernel function (kf.yaml)' };
}
