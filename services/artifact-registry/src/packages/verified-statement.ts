import { type PackageVerified, verifiedPredicate, verifiedStatementSchema } from '@l3af/contracts';
import { mediaTypes } from '@l3af/oci';
import { z } from 'zod';
import type { AnyManifest } from '../repository/manifest-document';
import { bundleKeyId } from './signature-key-ids';

const bundleSchema = z.object({ dsseEnvelope: z.object({ payload: z.string() }) });
const statementSchema = z.object({
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()) })),
  predicateType: z.literal(verifiedPredicate),
  predicate: verifiedStatementSchema,
});

/** Whether a referrer says of itself that it tells how a kernel took a package. */
export function isVerifiedBundle(manifest: AnyManifest): boolean {
  if ((manifest.artifactType ?? manifest.config?.mediaType) !== mediaTypes.sigstoreBundle) return false;
  return manifest.annotations?.['dev.sigstore.bundle.predicateType'] === verifiedPredicate;
}

type Facts = Omit<PackageVerified['data'], 'name' | 'digest'>;

/**
 * What a statement says of a digest, and whose key it hints at; undefined for anything else. As with signatures, the
 * registry holds no keys to check it with.
 */
export function readVerifiedBundle(bundle: Uint8Array, digest: string): Facts | undefined {
  try {
    const { dsseEnvelope } = bundleSchema.parse(JSON.parse(Buffer.from(bundle).toString('utf8')));
    const payload = Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8');
    const { subject, predicate } = statementSchema.parse(JSON.parse(payload));
    const [algorithm = '', hex] = digest.split(':');
    if (!subject.some((one) => one.digest[algorithm] === hex)) return undefined;
    const { objectDigest: _, ...facts } = predicate;
    return { ...facts, keyId: bundleKeyId(bundle) };
  } catch {
    return undefined; // pushed by anyone, of any content: it says nothing then
  }
}
