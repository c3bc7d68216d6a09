import { z } from 'zod';
import { documentBytes } from '../documents';

/** cosign's "simple signing" payload: the digest and the name it was signed under. */
export const simpleSigningSchema = z.looseObject({
  critical: z.looseObject({
    identity: z.looseObject({ 'docker-reference': z.string() }),
    image: z.looseObject({ 'docker-manifest-digest': z.string() }),
    type: z.literal('cosign container image signature'),
  }),
});

export const simpleSigningPayload = (reference: string, digest: string): Uint8Array =>
  documentBytes({
    critical: {
      identity: { 'docker-reference': reference },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: {},
  });

export const cosignPredicate = 'https://sigstore.dev/cosign/sign/v1';
export const inTotoType = 'application/vnd.in-toto+json';

/** An in-toto statement: what is said (`predicate`) of which digests (`subject`). */
export const statementSchema = z.looseObject({
  _type: z.string().startsWith('https://in-toto.io/Statement/'),
  subject: z.array(z.looseObject({ digest: z.record(z.string(), z.string()) })).min(1),
  predicateType: z.string(),
});

export function statementPayload(digest: string, predicateType: string, predicate: unknown): Uint8Array {
  const [algorithm = '', hex = ''] = digest.split(':');
  return documentBytes({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { [algorithm]: hex } }],
    predicateType,
    predicate,
  });
}

/** DSSE's pre-authentication encoding: what is really signed, so that the type cannot be swapped. */
export function dsseEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, 'utf8'), payload]);
}

const base64 = z.string().transform((text) => Buffer.from(text, 'base64'));

/** A sigstore bundle, as far as verification with a key needs it; one with a certificate is read by sigstore's own library. */
export const bundleSchema = z.looseObject({
  mediaType: z
    .string()
    .regex(/^application\/vnd\.dev\.sigstore\.bundle(\.v0\.3\+json|\+json;version=0\.[123])$/),
  verificationMaterial: z.looseObject({
    publicKey: z.looseObject({ hint: z.string().optional() }).optional(),
    certificate: z.unknown().optional(),
    x509CertificateChain: z.unknown().optional(),
  }),
  dsseEnvelope: z
    .looseObject({
      payload: base64,
      payloadType: z.string(),
      signatures: z
        .array(z.looseObject({ sig: base64 }))
        .min(1)
        .max(16),
    })
    .optional(),
});
export type SigstoreBundle = z.infer<typeof bundleSchema>;
