import { createHash, createPublicKey } from 'node:crypto';
import { L3afError } from '@l3af/contracts';
import { attachReferrer } from '../attach-referrer';
import { blobOf, descriptorOf } from '../build-image';
import { digestOf } from '../digest';
import { documentBytes, imageManifestSchema, parseDocument } from '../documents';
import type { Descriptor } from '../documents';
import { mediaTypes } from '../media-types';
import type { RegistryClient } from '../registry-client';
import { keyIdOf, publicKeyOf, readPrivateKey, signBytes, spkiOf } from './keys';
import {
  cosignPredicate,
  dsseEncoding,
  inTotoType,
  simpleSigningPayload,
  statementPayload,
} from './payloads';
import { findSignatures } from './find-signatures';

export const signatureAnnotation = 'dev.cosignproject.cosign/signature';
/** On each legacy signature: who made it ({@link keyIdOf}); cosign leaves it alone. */
export const keyIdAnnotation = 'io.l3af.key-id';
/** cosign's legacy tag for the signatures of a digest. */
export const signatureTag = (digest: string): string => `${digest.replace(':', '-')}.sig`;

const attemptsMax = 5;

/**
 * Signs a package's digest (the index's) in both of cosign's forms: the legacy tag and the bundle as referrer.
 * Signing again with the same key adds nothing.
 */
// eslint-disable-next-line max-params -- reads as a sentence: at this registry, this package's digest, sign with this key
export async function signDigest(
  client: RegistryClient,
  name: string,
  digest: string,
  privateKeyPem: string,
): Promise<{ keyId: string }> {
  const publicKey = publicKeyOf(privateKeyPem);
  const signer = { name: 'self', publicKey, packages: ['*'] };
  const present = new Set<string>();
  for await (const found of findSignatures(client, name, digest)) {
    if (found.signedBy(signer.publicKey)) present.add(found.form);
  }
  if (!present.has('bundle'))
    await attachStatement(client, name, digest, {
      predicateType: cosignPredicate,
      predicate: {},
      privateKeyPem,
    });
  if (!present.has('tag')) await putSignatureTag(client, { name, digest }, privateKeyPem);
  return { keyId: keyIdOf(publicKey) };
}

export interface SignedStatement {
  predicateType: string;
  predicate: unknown;
  privateKeyPem: string;
}

/** Attaches a signed in-toto statement (a signature, a provenance, a kernel's verdict) to a digest as a sigstore bundle. */
// eslint-disable-next-line max-params -- reads as a sentence: at this registry, of this package's digest, state this
export async function attachStatement(
  client: RegistryClient,
  name: string,
  digest: string,
  { predicateType, predicate, privateKeyPem }: SignedStatement,
): Promise<Descriptor> {
  const payload = statementPayload(digest, predicateType, predicate);
  const hint = createHash('sha256')
    .update(spkiOf(createPublicKey(readPrivateKey(privateKeyPem))))
    .digest('base64');
  const bundle = documentBytes({
    mediaType: mediaTypes.sigstoreBundle,
    verificationMaterial: { publicKey: { hint } },
    dsseEnvelope: {
      payload: Buffer.from(payload).toString('base64'),
      payloadType: inTotoType,
      signatures: [{ sig: signBytes(dsseEncoding(inTotoType, payload), privateKeyPem).toString('base64') }],
    },
  });
  return attachReferrer(client, name, digest, {
    artifactType: mediaTypes.sigstoreBundle,
    bytes: bundle,
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': predicateType,
    },
  });
}

async function signaturesUnderTag(client: RegistryClient, name: string, tag: string) {
  try {
    const { bytes, digest } = await client.getManifest(name, tag);
    return { digest, layers: parseDocument(imageManifestSchema, bytes, tag).layers };
  } catch (error) {
    if (error instanceof L3afError && error.code === 'unknown-version') return { digest: null, layers: [] };
    throw error;
  }
}

/** One manifest holds every signer's layer, so two signers at once are kept apart by compare-and-set. */
async function putSignatureTag(
  client: RegistryClient,
  { name, digest }: { name: string; digest: string },
  privateKeyPem: string,
) {
  const payload = blobOf(mediaTypes.simpleSigning, simpleSigningPayload(`${client.host}/${name}`, digest));
  const signature = signBytes(payload.bytes, privateKeyPem).toString('base64');
  const layer = {
    ...descriptorOf(payload),
    annotations: { [signatureAnnotation]: signature, [keyIdAnnotation]: keyIdOf(publicKeyOf(privateKeyPem)) },
  };
  await client.putBlob(name, payload.bytes);
  const tag = signatureTag(digest);
  for (let attempt = 1; ; attempt++) {
    const present = await signaturesUnderTag(client, name, tag);
    const layers = [...present.layers, layer];
    const config = documentBytes({
      architecture: '',
      os: '',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map((one) => one.digest) },
    });
    await client.putBlob(name, config);
    const bytes = documentBytes({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: { mediaType: mediaTypes.config, digest: digestOf(config), size: config.length },
      layers,
    });
    try {
      await client.putManifest(name, tag, {
        bytes,
        mediaType: mediaTypes.manifest,
        replaces: present.digest,
      });
      return;
    } catch (error) {
      const lost = error instanceof L3afError && error.code === 'conflict';
      if (!lost || attempt === attemptsMax) throw error;
    }
  }
}
