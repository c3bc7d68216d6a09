import type { TrustedIdentity, TrustedRoot, TrustedSigner } from '@l3af/contracts';
import { cannot, L3afError } from '@l3af/contracts';
import type { RegistryClient } from '../registry-client';
import { findSignatures } from './find-signatures';
import type { FoundSignature } from './find-signatures';
import { identityOf } from './keyless/certified';
import type { Certified } from './keyless/certified';
import { openTrustedRoot } from './keyless/trusted-root';
import type { RootVerifier } from './keyless/trusted-root';
import { keyIdOf } from './keys';
import { matchesPattern, trustedFor } from './trust';
import type { Trusted } from './trust';

/** Who signed, and under which name they are trusted. */
export interface VerifiedSigner {
  /** {@link keyIdOf} of the key, or the identity in the certificate. */
  keyId: string;
  name: string;
  /** Who vouched for the identity. */
  issuer?: string;
}

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
  const trust: Trusted = 'signers' in trusted ? trusted : { signers: trusted };
  const { revoked = [] } = trust;
  const keys = trustedFor(name, trust.signers).filter((one) => !revoked.includes(keyIdOf(one.publicKey)));
  const certificates = new Certificates(name, trust);
  let count = 0;
  for await (const signature of findSignatures(client, name, digest)) {
    count++;
    const signer = signerOf(signature, keys) ?? (await certificates.signerOf(signature.certified));
    if (signer) return signer;
  }
  const subject = `${name}@${digest}`;
  if (count === 0)
    throw new L3afError('signature-missing', cannot('trust', 'package', subject, 'it is not signed'));
  const others = certificates.count > 0 ? ` and ${certificates.count} identities` : '';
  const state = `none of its ${count} signatures is by one of the ${keys.length} keys${others} trusted for this name`;
  throw new L3afError(
    'signature-untrusted',
    cannot('trust', 'package', subject, [state, ...certificates.refusals].join('; ')),
    { details: { trustedKeys: keys.map(({ publicKey }) => keyIdOf(publicKey)) } },
  );
}

function signerOf(signature: FoundSignature, keys: readonly TrustedSigner[]): VerifiedSigner | undefined {
  const signer = keys.find(({ publicKey }) => signature.signedBy(publicKey));
  return signer && { keyId: keyIdOf(signer.publicKey), name: signer.name };
}

/** Signatures by certificate, held against the identities that are trusted. */
class Certificates {
  /** Why certificates were of no use, each once. */
  readonly refusals = new Set<string>();

  private readonly opened = new Map<string, Promise<RootVerifier>>();
  private readonly identities: readonly TrustedIdentity[];
  private readonly roots: readonly TrustedRoot[];
  private readonly revoked: readonly string[];

  constructor(name: string, { identities = [], trustedRoots = [], revoked = [] }: Trusted) {
    this.identities = trustedFor(name, identities);
    this.roots = trustedRoots;
    this.revoked = revoked;
  }

  get count(): number {
    return this.identities.length;
  }

  async signerOf(certified: Certified | undefined): Promise<VerifiedSigner | undefined> {
    if (!certified) return undefined;
    for (const root of this.roots) {
      const trusted = this.identities.filter((one) => one.root === root.name);
      const found = trusted.length > 0 ? await this.verified(certified, root) : undefined;
      if (!found) continue;
      const signer = trusted.find(
        ({ identity, issuer }) =>
          matchesPattern(found.identity, identity) && matchesPattern(found.issuer, issuer),
      );
      if (this.revoked.includes(found.identity)) this.refusals.add(`"${found.identity}" is revoked`);
      else if (signer) return { keyId: found.identity, name: signer.name, issuer: found.issuer };
      else
        this.refusals.add(
          `"${found.identity}" of issuer "${found.issuer}" signed it, who is not trusted for this name`,
        );
    }
    return undefined;
  }

  private async verified(certified: Certified, root: TrustedRoot) {
    try {
      const opened = this.opened.get(root.name) ?? openTrustedRoot(root);
      this.opened.set(root.name, opened);
      return await identityOf(certified, await opened);
    } catch (error) {
      this.refusals.add(`a certificate fails against root "${root.name}": ${reasonOf(error)}`);
      return undefined;
    }
  }
}

/** The innermost reason says most: a chain fails because its certificate had expired. */
function reasonOf(error: unknown): string {
  const messages: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) if (at.message) messages.push(at.message);
  return messages.join(': ') || 'it cannot be read';
}
