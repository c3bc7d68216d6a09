import type { Trusted, TrustedSigner } from '@l3af/contracts';
import { cannot, L3afError } from '@l3af/contracts';
import type { RegistryClient } from '../registry-client';
import { findSignatures } from './find-signatures';
import { SignerFinder } from './signer-finder';
import type { VerifiedSigner } from './signer-finder';

/**
 * Finds a signature of the digest by somebody who is trusted for the package's name: by a key, or by a certificate
 * that a trusted root issued and logged. Throws `signature-missing` when nobody signed it, `signature-untrusted`,
 * with what is wrong with each certificate, when nobody who is trusted did.
 */
// eslint-disable-next-line max-params -- reads as a sentence: at this registry, this package's digest, verify against these
export async function verifySignature(
  client: RegistryClient,
  name: string,
  digest: string,
  trusted: readonly TrustedSigner[] | Trusted,
): Promise<VerifiedSigner> {
  const finder = new SignerFinder(name, 'signers' in trusted ? trusted : { signers: trusted });
  let count = 0;
  for await (const signature of findSignatures(client, name, digest)) {
    count++;
    const signer = await finder.signerOf(signature);
    if (signer) return signer;
  }
  const subject = `${name}@${digest}`;
  if (count === 0)
    throw new L3afError('signature-missing', cannot('trust', 'package', subject, 'it is not signed'));
  const { keyIds, identityCount, refusals } = finder;
  const others = identityCount > 0 ? ` and ${identityCount} identities` : '';
  const state = `none of its ${count} signatures is by one of the ${keyIds.length} keys${others} trusted for this name`;
  throw new L3afError(
    'signature-untrusted',
    cannot('trust', 'package', subject, [state, ...refusals].join('; ')),
    { details: { trustedKeys: keyIds } },
  );
}
