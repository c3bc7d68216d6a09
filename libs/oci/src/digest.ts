import { createHash } from 'node:crypto';
import { cannot, L3afError } from '@l3af/contracts';

/** `sha256:…` of the bytes. */
export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Throws `digest-mismatch` unless the bytes are what the digest (sha256 or sha512) says. */
export function checkDigest(bytes: Uint8Array, digest: string): void {
  const algorithm = digest.startsWith('sha512:') ? 'sha512' : 'sha256';
  const actual = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
  if (actual !== digest)
    throw new L3afError('digest-mismatch', cannot('accept', 'content', digest, `its digest is ${actual}`));
}
