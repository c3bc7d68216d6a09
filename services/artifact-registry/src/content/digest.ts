import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';

export type Algorithm = 'sha256' | 'sha512';

/** A digest's algorithm; digests are checked to be sha256 or sha512 before they get here. */
export const algorithmOf = (digest: string): Algorithm =>
  digest.startsWith('sha512:') ? 'sha512' : 'sha256';

export const hashFor = (digest: string): Hash => createHash(algorithmOf(digest));

export const digestIs = (hash: Hash, digest: string): boolean =>
  `${algorithmOf(digest)}:${hash.digest('hex')}` === digest;
