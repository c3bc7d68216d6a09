import {
  type PackageVersionView,
  type StatedVerification,
  verifiedPredicate,
  verifiedStatementSchema,
} from '@l3af/contracts';
import { type FoundStatement, keyIdOf, listStatements, readStatement, RegistryClient } from '@l3af/oci';
import { Injectable } from '@nestjs/common';
import { TrustedSigners } from '../trust/trusted-signers';

type Version = Pick<PackageVersionView, 'name' | 'digest'>;

const keptMax = 2_000;

/**
 * What kernels said of packages, from the signed statements that are attached to them. Whoever may push may attach any:
 * the signature of each is checked here, against the keys that are trusted now.
 */
@Injectable()
export class Statements {
  /** By digest, so that each is pulled once: what a digest names does not change. */
  private readonly kept = new Map<string, Promise<FoundStatement | undefined>>();

  constructor(
    private readonly registry: RegistryClient,
    private readonly trust: TrustedSigners,
  ) {}

  /** Throws `registry-unavailable`: then nobody can say. */
  async of({ name, digest }: Version): Promise<StatedVerification[]> {
    const what = { name, digest, predicateType: verifiedPredicate };
    const [listed, signers] = await Promise.all([listStatements(this.registry, what), this.trust.for(name)]);
    const found = await Promise.all(listed.map((one) => this.read(what, one.digest)));
    return found.flatMap((one) => {
      const said = one && verifiedStatementSchema.safeParse(one.predicate).data;
      if (!one || !said) return [];
      const signer = signers.find(({ publicKey }) => one.signedBy(publicKey));
      return [{ ...said, signer: signer ? { keyId: keyIdOf(signer.publicKey), name: signer.name } : null }];
    });
  }

  private read(
    what: Parameters<typeof readStatement>[1],
    referrer: string,
  ): Promise<FoundStatement | undefined> {
    const id = `${what.name} ${what.digest} ${referrer}`;
    const known = this.kept.get(id);
    if (known) return known;
    const reading = readStatement(this.registry, what, referrer);
    this.kept.set(id, reading);
    reading.catch(() => this.kept.delete(id));
    const [oldest] = this.kept.keys();
    if (this.kept.size > keptMax && oldest !== undefined) this.kept.delete(oldest);
    return reading;
  }
}
