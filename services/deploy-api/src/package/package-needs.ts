import { staticReport } from '@l3af/bpf-object';
import { L3afError, type PackageVersionView, type StaticReport } from '@l3af/contracts';
import type { RegistryClient } from '@l3af/oci';

const keptMax = 500;

/**
 * What packages ask of a kernel, read from their objects, whoever made them: what a package says of itself proves
 * nothing. Kept, since a digest's content never changes.
 */
export class PackageNeeds {
  private readonly kept = new Map<string, StaticReport | null>();

  constructor(private readonly registry: RegistryClient) {}

  /** Null when the object cannot be read. Throws `registry-unavailable`. */
  async of(
    version: Pick<PackageVersionView, 'name' | 'digest' | 'architectures'>,
  ): Promise<StaticReport | null> {
    const known = this.kept.get(version.digest);
    if (known !== undefined) return known;
    const report = await this.read(version);
    const [oldest] = this.kept.keys();
    if (this.kept.size >= keptMax && oldest !== undefined) this.kept.delete(oldest);
    this.kept.set(version.digest, report);
    return report;
  }

  private async read({
    name,
    digest,
    architectures,
  }: Pick<PackageVersionView, 'name' | 'digest' | 'architectures'>): Promise<StaticReport | null> {
    const { object } = await this.registry.pullObject(name, digest, architectures[0] ?? 'amd64');
    try {
      return staticReport(object);
    } catch (error) {
      if (error instanceof L3afError) return null;
      throw error;
    }
  }
}
