import type { Trusted, TrustedIdentity, TrustedRoot, TrustedSigner } from '@l3af/contracts';
import { identityOf } from './keyless/certified';
import type { Certified } from './keyless/certified';
import { openTrustedRoot } from './keyless/trusted-root';
import type { RootVerifier } from './keyless/trusted-root';
import { keyIdOf } from './keys';
import { matchesPattern, trustedFor } from './trust';

/** Who signed, and under which name they are trusted. */
export interface VerifiedSigner {
  /** {@link keyIdOf} of the key, or the identity in the certificate. */
  keyId: string;
  name: string;
  /** Who vouched for the identity. */
  issuer?: string;
}

/** A signature whose bytes are at hand: whether a key made it, and the certificate that it came with. */
export interface Signature {
  signedBy(publicKeyPem: string): boolean;
  certified?: Certified;
}

/** Tells whose a signature is, of those who are trusted for packages of one name. */
export class SignerFinder {
  /** Why certificates were of no use, each once. */
  readonly refusals: ReadonlySet<string>;

  /** By id: several groups may name one key; the first says what it is called. */
  private readonly keys = new Map<string, TrustedSigner>();
  private readonly certificates: Certificates;

  constructor(name: string, trusted: Trusted) {
    const { signers, revoked = [] } = trusted;
    for (const signer of trustedFor(name, signers)) {
      const keyId = keyIdOf(signer.publicKey);
      if (!revoked.includes(keyId) && !this.keys.has(keyId)) this.keys.set(keyId, signer);
    }
    this.certificates = new Certificates(name, trusted);
    this.refusals = this.certificates.refusals;
  }

  get keyIds(): string[] {
    return [...this.keys.keys()];
  }

  get identityCount(): number {
    return this.certificates.count;
  }

  /** Undefined: nobody's who is trusted. */
  async signerOf(signature: Signature): Promise<VerifiedSigner | undefined> {
    for (const [keyId, { name, publicKey }] of this.keys)
      if (signature.signedBy(publicKey)) return { keyId, name };
    return this.certificates.signerOf(signature.certified);
  }
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
    return new Set(this.identities.map(({ identity, issuer }) => JSON.stringify([identity, issuer]))).size;
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
