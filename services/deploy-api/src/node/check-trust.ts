import { createPublicKey } from 'node:crypto';
import { cannot, L3afError, type TrustChanged, type TrustedSigner } from '@l3af/contracts';
import { openTrustedRoot } from '@l3af/oci';

/** An event has at most a megabyte; sigstore's own root has ten kilobytes. */
const rootBytesMax = 64 * 1024;

/** Refuses what no node could verify with: `invalid-request` says which signer, identity or root. */
export async function checkTrust(trust: TrustChanged['data']): Promise<void> {
  const { signers, identities = [], trustedRoots = [] } = trust;
  signers.forEach(checkSigner);
  for (const root of trustedRoots) {
    if (JSON.stringify(root).length > rootBytesMax)
      throw refusal('trusted root', root.name, `it has more than ${rootBytesMax / 1024} KiB`);
    await openTrustedRoot(root);
  }
  const names = trustedRoots.map(({ name }) => name);
  if (new Set(names).size < names.length)
    throw refusal('trusted roots', names.join(', '), 'two have one name');
  for (const { name, root } of identities)
    if (!names.includes(root)) throw refusal('identity', name, `there is no trusted root "${root}" here`);
}

function checkSigner({ name, publicKey }: TrustedSigner): void {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(publicKey);
    if (asymmetricKeyType === 'ed25519') return;
    if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return;
  } catch (cause) {
    throw refusal('signer', name, 'its publicKey is not PEM', cause);
  }
  throw refusal('signer', name, 'its publicKey is of another kind, needs ECDSA P-256 or ed25519');
}

// eslint-disable-next-line max-params -- the parts of one sentence
const refusal = (noun: string, name: string, state: string, cause?: unknown): L3afError =>
  new L3afError('invalid-request', cannot('trust', noun, name, state), { cause });
