import { imageManifestSchema, parseDocument } from '../documents';
import { mediaTypes, sizeLimits } from '../media-types';
import type { Descriptor } from '../documents';
import type { RegistryClient } from '../registry-client';
import { verifyBytes } from './keys';
import { certifiedOf, readable } from './find-signatures';
import type { Signature } from './signer-finder';
import { bundleSchema, dsseEncoding, inTotoType, statementSchema } from './payloads';

/** A signed statement about a digest; whose it is, only a `SignerFinder` tells. */
export interface FoundStatement extends Signature {
  /** Of the referrer that holds it. */
  digest: string;
  predicate: unknown;
  /** The key that the bundle says made it; whoever wrote it may say so. */
  claimedKeyId?: string;
}

/** More than these are not looked at: whoever may push may attach any number. */
const statementsMax = 256;
const predicateAnnotation = 'dev.sigstore.bundle.predicateType';

/** The referrers of a digest that say of themselves that they hold a statement of this type. */
export async function listStatements(
  client: RegistryClient,
  { name, digest, predicateType }: { name: string; digest: string; predicateType: string },
): Promise<Descriptor[]> {
  const referrers = await client.referrers(name, digest, mediaTypes.sigstoreBundle);
  return referrers
    .filter(({ annotations }) => annotations?.[predicateAnnotation] === predicateType)
    .slice(0, statementsMax);
}

/** Reads one of {@link listStatements}; undefined for what is no statement of this type about this digest. */
export async function readStatement(
  client: RegistryClient,
  { name, digest, predicateType }: { name: string; digest: string; predicateType: string },
  referrer: string,
): Promise<FoundStatement | undefined> {
  const bytes = await readable(async () => {
    const manifest = await client.getManifest(name, referrer);
    const [layer] = parseDocument(imageManifestSchema, manifest.bytes, referrer).layers;
    return layer && client.getBlob(name, layer.digest, sizeLimits.signature);
  });
  return bytes && statementOfBundle(bytes, { referrer, digest, predicateType });
}

/** Reads a bundle's statement if it is one of this type about this digest. */
export function statementOfBundle(
  bytes: Uint8Array,
  { referrer, digest, predicateType }: { referrer: string; digest: string; predicateType: string },
): FoundStatement | undefined {
  const [algorithm = '', hex = ''] = digest.split(':');
  try {
    const bundle = parseDocument(bundleSchema, bytes, 'sigstore bundle');
    const envelope = bundle.dsseEnvelope;
    if (envelope?.payloadType !== inTotoType) return undefined;
    const statement = parseDocument(statementSchema, envelope.payload, 'statement');
    const isAbout = statement.subject.some((subject) => subject.digest[algorithm] === hex);
    if (!isAbout || statement.predicateType !== predicateType) return undefined;
    const signed = dsseEncoding(envelope.payloadType, envelope.payload);
    return {
      digest: referrer,
      predicate: statement['predicate'],
      ...certifiedOf(bundle, bytes),
      ...claimOf(bundle.verificationMaterial.publicKey?.hint),
      signedBy: (publicKey) => envelope.signatures.some(({ sig }) => verifyBytes(signed, sig, publicKey)),
    };
  } catch {
    return undefined; // pushed by anyone, of any content: it says nothing then
  }
}

/** cosign and we hint at a key by the digest of its SPKI, which is what ids of keys are. */
function claimOf(hint = ''): Pick<FoundStatement, 'claimedKeyId'> {
  const digest = Buffer.from(hint, 'base64');
  return digest.length === 32 ? { claimedKeyId: digest.toString('hex') } : {};
}
