import type { TrustedSigner } from '@l3af/contracts';
import { cannot, L3afError } from '@l3af/contracts';
import type { RegistryClient } from '../registry-client';
import { findSignatures } from './find-signatures';
import { keyIdOf } from './keys';
import { trustedFor } from './trust';

/**
 * Finds a signature of the digest by a signer that is trusted for the package's name. Throws `signature-missing`
 * when nobody signed it, `signature-untrusted` when none of the signatures is by a trusted key.
 */
// eslint-disable-next-line max-params -- reads as a sentence: at this registry, this package's digest, verify against these
export async function verifySignature(
  client: RegistryClient,
  name: string,
  digest: string,
  trustedSigners: readonly TrustedSigner[],
): Promise<{ keyId: string; name: string }> {
  const signers = trustedFor(name, trustedSigners);
  let count = 0;
  for await (const signature of findSignatures(client, name, digest)) {
    count++;
    const signer = signers.find(({ publicKey }) => signature.signedBy(publicKey));
    if (signer) return { keyId: keyIdOf(signer.publicKey), name: signer.name };
  }
  const subject = `${name}@${digest}`;
  if (count === 0)
    throw new L3afError('signature-missing', cannot('trust', 'package', subject, 'it is not signed'));
  throw new L3afError(
    'signature-untrusted',
    cannot(
      'trust',
      'package',
      subject,
      `none of its ${count} signatures is by one of the ${signers.length} keys trusted for this name`,
    ),
    { details: { trustedKeys: signers.map(({ publicKey }) => keyIdOf(publicKey)) } },
  );
}
