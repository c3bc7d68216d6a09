import { z } from 'zod';
import { packageNameSchema, versionSchema } from './names';

// Descriptions are what editors show: they say what an author may write, not what is done with it.
const userspaceSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be a file name of lower-case letters, digits, . _ -')
    .describe('Name of the program, and of its file'),
  language: z.enum(['c', 'go', 'rust']).describe("Language of the source; its toolchain is the builder's"),
  source: z
    .string()
    .min(1)
    .describe(
      "The source file, relative to kf.yaml; in Go also its package's folder, in Rust a Cargo package's with a binary of this name",
    ),
  libraries: z
    .array(z.enum(['bpf', 'elf', 'z', 'm', 'pthread']))
    .max(5)
    .optional()
    .describe('Libraries that a C program is linked with'),
});
export type UserspaceProgram = z.infer<typeof userspaceSchema>;

/** `kf.yaml`: what a KF's author says of it. Everything else is derived from the object. */
export const manifestSchema = z.strictObject({
  apiVersion: z.literal('l3af/v1').describe('Version of this format: l3af/v1'),
  kind: z.literal('KernelFunction').describe('What the document describes: KernelFunction'),
  name: packageNameSchema.describe(
    'Name of the package, a repository of the registry: lower case, slashes between its parts',
  ),
  version: versionSchema.describe('Version, a tag of the registry; one that is published does not change'),
  description: z.string().max(1000).optional().describe('What the KF does, in a sentence or two'),
  license: z.string().max(200).optional().describe('SPDX license expression, such as GPL-2.0-only'),
  readme: z.string().optional().describe('The readme, a file relative to kf.yaml; attached to the package'),
  source: z
    .string()
    .optional()
    .describe('The one source file that is compiled, relative to kf.yaml; default: the only *.bpf.c'),
  cpu: z
    .array(z.enum(['v1', 'v2', 'v3', 'v4']))
    .min(1)
    .optional()
    .describe(
      'BPF instruction sets (clang -mcpu) to compile for; the first is what runs, the others are attached. Default: v2, v3',
    ),
  architectures: z
    .array(z.enum(['amd64', 'arm64', 's390x']))
    .min(1)
    .optional()
    .describe('Architectures of nodes, by their GOARCH names; default: amd64, arm64'),
  flags: z
    .array(z.string())
    .max(64)
    .optional()
    .describe(
      'More flags for clang: -D, -U, -W…, -std=, -I of a folder of the source, -O1 -O2 -O3 -Os, and a few -f choices',
    ),
  config: z
    .record(
      z.string(),
      z.strictObject({ description: z.string().optional().describe('What it is for, and what it may be') }),
    )
    .optional()
    .describe('What users set, by the names of maps and constants; types are derived from the object'),
  metrics: z
    .record(
      z.string(),
      z.strictObject({
        description: z.string().optional().describe('What is counted or measured'),
        unit: z.string().optional().describe('Of its values, such as packets, bytes or seconds'),
      }),
    )
    .optional()
    .describe('Maps whose values are metrics, by their names'),
  tests: z
    .array(z.string().min(1))
    .max(64)
    .optional()
    .describe('Files of packet tests, relative to kf.yaml; run on kernels after each build'),
  userspace: z
    .array(userspaceSchema)
    .max(8)
    .optional()
    .describe('Programs that run beside the KF, compiled with it and attached to the package'),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** JSON Schema of `kf.yaml`, for editors: published in docs and by the API. */
export function manifestJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(manifestSchema, { target: 'draft-7', io: 'input' });
  return { ...schema, title: 'L3AF kernel function (kf.yaml)' };
}
