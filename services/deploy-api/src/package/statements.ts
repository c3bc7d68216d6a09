import {
  defaultGroup,
  type PackageVersionView,
  type StatedVerification,
  verifiedPredicate,
  verifiedStatementSchema,
} from '@l3af/contracts';
import { type FoundStatement, listStatements, readStatement, RegistryClient, SignerFinder } from '@l3af/oci';
import { Injectable } from '@nestjs/common';
import { GroupTrust } from '../trust/group-trust';

type Version = Pick<PackageVersionView, 'name' | 'digest'>;

const keptMax = 2_000;

/**
 * What kernels said of packages, from the signed statements that are attached to them. Whoever may push may attach any:
 * the signature of each is checked here, against those who are trusted now.
 */
@Injectable()
export class Statements {
  /** By digest, so that each is pulled once: what a digest names does not change. */
  private readonly kept = new Map<string, Promise<FoundStatement | undefined>>();

  constructor(
    private readonly registry: RegistryClient,
    private readonly trust: GroupTrust,
  ) {}

  /**
   * With who is trusted by a node of these groups; what is asked about no node, whom every node trusts. Throws
   * `registry-unavailable`: then nobody can say.
   */
  async of(
    { name, digest }: Version,
    groups: readonly string[] = [defaultGroup],
  ): Promise<StatedVerification[]> {
    const what = { name, digest, predicateType: verifiedPredicate };
    const [listed, trusted] = await Promise.all([listStatements(this.registry, what), this.trust.of(groups)]);
    const found = await Promise.all(listed.map((one) => this.read(what, one.digest)));
    const finder = new SignerFinder(name, trusted);
    const stated: StatedVerification[] = [];
    for (const one of found) {
      const said = one && verifiedStatementSchema.safeParse(one.predicate).data;
      if (!one || !said) continue;
      const signer = await finder.signerOf(one);
      stated.push({ ...said, signer: signer ? { keyId: signer.keyId, name: signer.name } : null });
    }
    return stated;
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
