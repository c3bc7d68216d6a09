import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { RootVerifier } from './trusted-root';

/** A signature that comes with a certificate: a sigstore bundle as JSON, and what it signs if that is not inside. */
export interface Certified {
  bundle: unknown;
  payload?: Uint8Array;
}

/** Who a certificate says that it is for, and who vouched for that. */
export interface CertifiedIdentity {
  identity: string;
  issuer: string;
}

/**
 * Whose signature it is, once certificate, time, logs and signature are verified against the root. Throws whatever
 * is wrong first, in the words of sigstore's own verifier.
 */
export async function identityOf(
  { bundle, payload }: Certified,
  root: RootVerifier,
): Promise<CertifiedIdentity> {
  const [{ bundleFromJSON }, { toSignedEntity }] = await Promise.all([
    import('@sigstore/bundle'),
    import('@sigstore/verify'),
  ]);
  const entity = toSignedEntity(bundleFromJSON(bundle), payload && Buffer.from(payload));
  const { identity } = root.verify(entity);
  const { subjectAlternativeName, extensions } = identity ?? {};
  if (subjectAlternativeName === undefined) throw new Error('the certificate names nobody');
  return { identity: subjectAlternativeName, issuer: extensions?.issuer ?? '' };
}

const rekorBundleSchema = z.looseObject({
  SignedEntryTimestamp: z.string(),
  Payload: z.looseObject({
    body: z.string(),
    integratedTime: z.number(),
    logIndex: z.number(),
    logID: z.string(),
  }),
});
const bodySchema = z.looseObject({ kind: z.string(), apiVersion: z.string() });

const annotation = (name: string): string => `dev.sigstore.cosign/${name}`;
const sha256Name = 'SHA2_256';

/**
 * The legacy form of a signature with a certificate (annotations of the layer that holds the payload) as a bundle;
 * undefined when it has none.
 */
export function certifiedOfAnnotations(
  payload: { bytes: Uint8Array; sha256: Buffer },
  signature: string,
  annotations: Record<string, string>,
): Certified | undefined {
  const certificate = annotations[annotation('certificate')];
  if (certificate === undefined) return undefined;
  const chain = [certificate, annotations[annotation('chain')] ?? ''].flatMap(certificatesOf);
  const timestamp = rfc3161Of(annotations[annotation('rfc3161timestamp')]);
  return {
    payload: payload.bytes,
    bundle: {
      // The first version of the form: the only one that holds a promise of the log without a proof.
      mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
      verificationMaterial: {
        x509CertificateChain: { certificates: chain.slice(0, 1).map((rawBytes) => ({ rawBytes })) },
        tlogEntries: entriesOf(annotations[annotation('bundle')]),
        ...(timestamp !== undefined && {
          timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: timestamp }] },
        }),
      },
      messageSignature: {
        messageDigest: { algorithm: sha256Name, digest: payload.sha256.toString('base64') },
        signature,
      },
    },
  };
}

function certificatesOf(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).raw.toString('base64'));
}

function rfc3161Of(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const parsed = z.looseObject({ SignedRFC3161Timestamp: z.string() }).safeParse(JSON.parse(text));
  return parsed.data?.SignedRFC3161Timestamp;
}

function entriesOf(text: string | undefined): object[] {
  if (text === undefined) return [];
  const { SignedEntryTimestamp, Payload } = rekorBundleSchema.parse(JSON.parse(text));
  const body = bodySchema.parse(JSON.parse(Buffer.from(Payload.body, 'base64').toString('utf8')));
  return [
    {
      logIndex: String(Payload.logIndex),
      logId: { keyId: Buffer.from(Payload.logID, 'hex').toString('base64') },
      kindVersion: { kind: body.kind, version: body.apiVersion },
      integratedTime: String(Payload.integratedTime),
      inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
      canonicalizedBody: Payload.body,
    },
  ];
}
