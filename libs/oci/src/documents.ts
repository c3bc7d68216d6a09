import { cannot, digestSchema, L3afError } from '@l3af/contracts';
import { z } from 'zod';

const annotations = z.record(z.string(), z.string()).optional();

/** Points at content by media type, digest and size in bytes. */
export const descriptorSchema = z.looseObject({
  mediaType: z.string(),
  digest: digestSchema,
  size: z.number().int().nonnegative(),
  annotations,
  artifactType: z.string().optional(),
  platform: z
    .looseObject({ architecture: z.string(), os: z.string(), variant: z.string().optional() })
    .optional(),
});
export type Descriptor = z.infer<typeof descriptorSchema>;

/** An image manifest, OCI's or Docker's. */
export const imageManifestSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(1000),
  subject: descriptorSchema.optional(),
  annotations,
});
export type ImageManifest = z.infer<typeof imageManifestSchema>;

/** An image index, OCI's or Docker's manifest list. */
export const imageIndexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  manifests: z.array(descriptorSchema).max(10_000),
  subject: descriptorSchema.optional(),
  annotations,
});
export type ImageIndex = z.infer<typeof imageIndexSchema>;

/** The configuration of an image, as far as packages need it. */
export const imageConfigSchema = z.looseObject({
  architecture: z.string().optional(),
  os: z.string().optional(),
  config: z.looseObject({ Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
});
export type ImageConfig = z.infer<typeof imageConfigSchema>;

/** Parses a JSON document of an image; throws `invalid-image` naming what is wrong with it. */
export function parseDocument<T>(schema: z.ZodType<T>, bytes: Uint8Array, noun: string): T {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new L3afError('invalid-image', `Cannot read ${noun}: it is not JSON`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new L3afError('invalid-image', cannot('read', 'image', noun, z.prettifyError(parsed.error)));
}

/** JSON bytes of a document; key order is the order of writing, so equal input gives equal bytes. */
export const documentBytes = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document), 'utf8');
