import { digestSchema } from '@l3af/contracts';
import { descriptorSchema, mediaTypes } from '@l3af/oci';
import type { Descriptor } from '@l3af/oci';
import { z } from 'zod';
import { DistributionError } from '../distribution-error';

const referenceSchema = descriptorSchema.extend({ urls: z.array(z.string()).optional() });

/** Any manifest: image, index, Docker's two, or one of a type that nobody here knows. */
const manifestSchema = z.looseObject({
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: referenceSchema.optional(),
  layers: z.array(referenceSchema).optional(),
  manifests: z.array(referenceSchema).optional(),
  subject: descriptorSchema.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
export type AnyManifest = z.infer<typeof manifestSchema>;

const known: readonly string[] = [
  mediaTypes.manifest,
  mediaTypes.index,
  mediaTypes.dockerManifest,
  mediaTypes.dockerIndex,
];

/** Parses a manifest that is being put; throws MANIFEST_INVALID. */
export function parseManifest(
  bytes: Uint8Array,
  contentType: string | undefined,
): AnyManifest & { mediaType: string } {
  const manifest = manifestOf(bytes);
  const mediaType = manifest.mediaType ?? contentType ?? guessType(manifest);
  if (contentType !== undefined && manifest.mediaType !== undefined && contentType !== manifest.mediaType)
    throw new DistributionError(
      'MANIFEST_INVALID',
      `it says it is ${manifest.mediaType}, and was sent as ${contentType}`,
    );
  if (!known.includes(mediaType))
    throw new DistributionError('MANIFEST_INVALID', `manifests of type ${mediaType} are not kept here`);
  const isIndex = mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex;
  if (isIndex ? !manifest.manifests : !manifest.config || !manifest.layers)
    throw new DistributionError('MANIFEST_INVALID', `it lacks what ${mediaType} must have`);
  return { ...manifest, mediaType };
}

/** Reads a manifest's JSON; throws MANIFEST_INVALID. */
export function manifestOf(bytes: Uint8Array): AnyManifest {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new DistributionError('MANIFEST_INVALID', 'it is not JSON');
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) throw new DistributionError('MANIFEST_INVALID', z.prettifyError(parsed.error));
  return parsed.data;
}

const guessType = (manifest: AnyManifest): string =>
  manifest.manifests ? mediaTypes.index : mediaTypes.manifest;

/** The blobs and manifests that must be in the repository before this one; not those that live elsewhere. */
export function referencesOf(manifest: AnyManifest): { blobs: Descriptor[]; manifests: Descriptor[] } {
  const local = ({ mediaType, urls }: z.infer<typeof referenceSchema>): boolean =>
    !/nondistributable|foreign/.test(mediaType) && (urls ?? []).length === 0;
  const blobs = [...(manifest.config ? [manifest.config] : []), ...(manifest.layers ?? [])].filter(local);
  return { blobs, manifests: (manifest.manifests ?? []).filter(local) };
}

/** What the referrers API says of a manifest that has a subject. */
export function artifactTypeOf(manifest: AnyManifest): string | undefined {
  return manifest.artifactType || manifest.config?.mediaType || undefined;
}

export const isDigest = (text: string): boolean => digestSchema.safeParse(text).success;
