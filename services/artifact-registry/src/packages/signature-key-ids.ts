import { X509Certificate } from 'node:crypto';
import { cosignPredicate, keyIdAnnotation, mediaTypes } from '@l3af/oci';
import { z } from 'zod';
import type { AnyManifest } from '../repository/manifest-document';

/** cosign's legacy tag of a digest's signatures: `sha256-<hex>.sig`. */
export function signedDigestOf(tag: string): string | undefined {
  const match = /^(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})\.sig$/.exec(tag);
  return match?.[1]?.replace('-', ':');
}

/** Tags that tools make for signatures, attestations and referrers; they are no versions. */
export const isToolTag = (tag: string): boolean => /^sha(256|512)-[0-9a-f]{64}/.test(tag);

/** Who claims to have made the legacy signatures of a manifest; the registry holds no keys to check it with. */
export function tagKeyIds(manifest: AnyManifest): string[] {
  const signatures = (manifest.layers ?? []).filter(
    ({ mediaType }) => mediaType === mediaTypes.simpleSigning,
  );
  return signatures.map(
    ({ annotations }) =>
      annotations?.[keyIdAnnotation] ??
      identityIn(annotations?.['dev.sigstore.cosign/certificate']) ??
      'unknown',
  );
}

/** Whether a referrer is a signature, by what it says of itself. */
export function isSignatureBundle(manifest: AnyManifest): boolean {
  if ((manifest.artifactType ?? manifest.config?.mediaType) !== mediaTypes.sigstoreBundle) return false;
  const predicate = manifest.annotations?.['dev.sigstore.bundle.predicateType'];
  return predicate === undefined || predicate === cosignPredicate;
}

const bundleSchema = z.looseObject({
  verificationMaterial: z.looseObject({
    publicKey: z.looseObject({ hint: z.string() }).optional(),
    certificate: z.looseObject({ rawBytes: z.base64() }).optional(),
  }),
});

/** The key id that a bundle hints at (base64 of the key's sha256), the identity in its certificate, or `unknown`. */
export function bundleKeyId(bundle: Uint8Array): string {
  try {
    const json: unknown = JSON.parse(Buffer.from(bundle).toString('utf8'));
    const { publicKey, certificate } = bundleSchema.parse(json).verificationMaterial;
    if (certificate) return identityIn(Buffer.from(certificate.rawBytes, 'base64')) ?? 'unknown';
    const bytes = Buffer.from(publicKey?.hint ?? '', 'base64');
    return bytes.length === 32 ? bytes.toString('hex') : 'unknown';
  } catch {
    return 'unknown';
  }
}

/** Whom a certificate (PEM or DER) names: an email address or URI. */
function identityIn(certificate: string | Buffer | undefined): string | undefined {
  if (certificate === undefined) return undefined;
  try {
    const names = new X509Certificate(certificate).subjectAltName ?? '';
    return /^(?:URI|email):([^",]+)$/.exec(names)?.[1];
  } catch {
    return undefined;
  }
}
