import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { TrustedSigner } from '@l3af/contracts';
import { L3afError } from '@l3af/contracts';

/** ECDSA signs a SHA-256 of the message; ed25519 hashes by itself. */
const hashFor = (key: KeyObject): 'sha256' | null => (key.asymmetricKeyType === 'ed25519' ? null : 'sha256');

function checkKind(key: KeyObject): KeyObject {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType === 'ed25519' || (key.asymmetricKeyType === 'ec' && curve === 'prime256v1'))
    return key;
  throw new L3afError(
    'invalid-request',
    `Cannot use key: it is ${curve ?? key.asymmetricKeyType ?? 'unknown'}, needs ECDSA P-256 or ed25519`,
  );
}

function readKey(read: () => KeyObject, noun: string): KeyObject {
  try {
    return checkKind(read());
  } catch (cause) {
    if (cause instanceof L3afError) throw cause;
    throw new L3afError('invalid-request', `Cannot read ${noun} key: it is not PEM of an unencrypted key`, {
      cause,
    });
  }
}

export const readPrivateKey = (pem: string): KeyObject => readKey(() => createPrivateKey(pem), 'private');
export const readPublicKey = (pem: string): KeyObject => readKey(() => createPublicKey(pem), 'public');

/** sha256 of the SPKI DER of a public key, hex: the key's name in events and errors. */
export function keyIdOf(publicKeyPem: string): string {
  return createHash('sha256')
    .update(spkiOf(readPublicKey(publicKeyPem)))
    .digest('hex');
}

export const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

/** The public key of a private key, as SPKI PEM. */
export function publicKeyOf(privateKeyPem: string): string {
  return createPublicKey(readPrivateKey(privateKeyPem)).export({ type: 'spki', format: 'pem' }).toString();
}

/** A new signing key: PKCS8 PEM and its SPKI PEM. */
export function generateSigningKey(kind: 'ecdsa-p256' | 'ed25519' = 'ecdsa-p256'): {
  privateKey: string;
  publicKey: string;
} {
  const pair =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

export function signBytes(bytes: Uint8Array, privateKeyPem: string): Buffer {
  const key = readPrivateKey(privateKeyPem);
  return sign(hashFor(key), bytes, key);
}

/** Whether the key signed the bytes; a malformed signature is just not one. */
export function verifyBytes(bytes: Uint8Array, signature: Uint8Array, publicKeyPem: string): boolean {
  const key = readPublicKey(publicKeyPem);
  try {
    return verify(hashFor(key), bytes, key, signature);
  } catch {
    return false;
  }
}

/** The public keys of a PEM text as signers that are trusted for every package. */
export function signersOfPem(text: string, name: string): TrustedSigner[] {
  const blocks = text.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
  return blocks.map((publicKey, index) => ({
    name: blocks.length === 1 ? name : `${name}#${index + 1}`,
    publicKey: `${publicKey}\n`,
    packages: ['*'],
  }));
}
