import { createHash } from 'node:crypto';
import { L3afError } from '@l3af/contracts';
import { imageManifestSchema, parseDocument } from '../documents';
import { mediaTypes, sizeLimits } from '../media-types';
import type { RegistryClient } from '../registry-client';
import { certifiedOfAnnotations } from './keyless/certified';
import type { Certified } from './keyless/certified';
import { verifyBytes } from './keys';
import type { Signature } from './signer-finder';
import {
  bundleSchema,
  cosignPredicate,
  dsseEncoding,
  simpleSigningSchema,
  statementSchema,
} from './payloads';
import type { SigstoreBundle } from './payloads';

/** A signature that claims the digest; whose it is, only a `SignerFinder` tells. */
export interface FoundSignature extends Signature {
  form: 'tag' | 'bundle';
}

/** More than these are not looked at: a stranger could attach any number. */
const signaturesMax = 64;

/** A registry may offer any bytes as a signature: what cannot be read is not one. */
export async function readable<T>(read: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof L3afError && error.code !== 'registry-unavailable') return undefined;
    throw error;
  }
}

/** The signatures of a digest in both of cosign's forms. */
export async function* findSignatures(
  client: RegistryClient,
  name: string,
  digest: string,
): AsyncGenerator<FoundSignature> {
  yield* bundleSignatures(client, name, digest);
  yield* tagSignatures(client, name, digest);
}

async function* bundleSignatures(client: RegistryClient, name: string, digest: string) {
  const referrers = await client.referrers(name, digest, mediaTypes.sigstoreBundle);
  const statements = referrers.filter(({ annotations }) => {
    const type = annotations?.['dev.sigstore.bundle.predicateType'];
    return type === undefined || type === cosignPredicate;
  });
  for (const { digest: referrer } of statements.slice(0, signaturesMax)) {
    const bytes = await readable(() => onlyLayer(client, name, referrer));
    const found = bytes && signatureOfBundle(bytes, digest);
    if (found) yield found;
  }
}

async function onlyLayer(client: RegistryClient, name: string, manifestDigest: string): Promise<Uint8Array> {
  const { bytes } = await client.getManifest(name, manifestDigest);
  const [layer] = parseDocument(imageManifestSchema, bytes, manifestDigest).layers;
  if (!layer) throw new L3afError('invalid-image', `Cannot read bundle: ${manifestDigest} has no layer`);
  return client.getBlob(name, layer.digest, sizeLimits.signature);
}

/** Reads a bundle and keeps it only if it signs this digest: a DSSE statement about it, or its bare digest. */
export function signatureOfBundle(bytes: Uint8Array, digest: string): FoundSignature | undefined {
  let bundle: SigstoreBundle;
  try {
    bundle = parseDocument(bundleSchema, bytes, 'sigstore bundle');
  } catch {
    return undefined;
  }
  const envelope = bundle.dsseEnvelope;
  if (!envelope || !statesDigest(envelope.payload, digest)) return undefined;
  const signed = dsseEncoding(envelope.payloadType, envelope.payload);
  return {
    form: 'bundle',
    ...certifiedOf(bundle, bytes),
    signedBy: (publicKey) => envelope.signatures.some(({ sig }) => verifyBytes(signed, sig, publicKey)),
  };
}

/** What to hold against a root, when a bundle came with a certificate. */
export function certifiedOf(bundle: SigstoreBundle, bytes: Uint8Array): Pick<Signature, 'certified'> {
  const { certificate, x509CertificateChain } = bundle.verificationMaterial;
  const isCertified = certificate !== undefined || x509CertificateChain !== undefined;
  if (!isCertified) return {};
  return { certified: { bundle: JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown } };
}

function statesDigest(payload: Uint8Array, digest: string): boolean {
  const [algorithm = '', hex = ''] = digest.split(':');
  try {
    const statement = parseDocument(statementSchema, payload, 'statement');
    const signs = statement.predicateType === cosignPredicate;
    return signs && statement.subject.some((subject) => subject.digest[algorithm] === hex);
  } catch {
    return false;
  }
}

async function* tagSignatures(client: RegistryClient, name: string, digest: string) {
  const tag = `${digest.replace(':', '-')}.sig`;
  const manifest = await readable(async () => {
    const { bytes } = await client.getManifest(name, tag);
    return parseDocument(imageManifestSchema, bytes, tag);
  });
  for (const layer of (manifest?.layers ?? []).slice(0, signaturesMax)) {
    const signature = layer.annotations?.['dev.cosignproject.cosign/signature'];
    if (layer.mediaType !== mediaTypes.simpleSigning || signature === undefined) continue;
    const payload = await readable(() => client.getBlob(name, layer.digest, sizeLimits.signature));
    const found = payload && signatureOfPayload(payload, layer.annotations ?? {}, digest);
    if (found) yield found;
  }
}

/** Reads a simple-signing payload, with what is said of it beside, and keeps it only if it names this digest. */
export function signatureOfPayload(
  payload: Uint8Array,
  annotations: Record<string, string>,
  digest: string,
): FoundSignature | undefined {
  const signature = annotations['dev.cosignproject.cosign/signature'];
  if (signature === undefined) return undefined;
  try {
    const { critical } = parseDocument(simpleSigningSchema, payload, 'signature payload');
    if (critical.image['docker-manifest-digest'] !== digest) return undefined;
  } catch {
    return undefined;
  }
  const bytes = Buffer.from(signature, 'base64');
  const certified = legacyCertified(payload, signature, annotations);
  return {
    form: 'tag',
    signedBy: (publicKey) => verifyBytes(payload, bytes, publicKey),
    ...(certified && { certified }),
  };
}

/** A stranger may have written anything: what cannot be read is no certificate. */
function legacyCertified(
  payload: Uint8Array,
  signature: string,
  annotations: Record<string, string>,
): Certified | undefined {
  const sha256 = createHash('sha256').update(payload).digest();
  try {
    return certifiedOfAnnotations({ bytes: payload, sha256 }, signature, annotations);
  } catch {
    return undefined;
  }
}
