import {
  cannot,
  L3afError,
  toWireError,
  type PackageDetails,
  type PackageVersionView,
  type WireError,
  type Yanked,
} from '@l3af/contracts';
import { Injectable } from '@nestjs/common';
import { RegistryApi, type YankRequest } from '../registry/registry-api';
import { nothingAttached, readAttached, type Attached } from './attached';
import { PackageNeeds } from './package-needs';
import { PackageQueries } from './package.queries';
import { Statements } from './statements';

/** One version of a package with its image, its attachments and the chains that run it. */
@Injectable()
export class PackageDetailsReader {
  private readonly needs: PackageNeeds;

  constructor(
    private readonly queries: PackageQueries,
    private readonly registry: RegistryApi,
    private readonly statements: Statements,
  ) {
    this.needs = new PackageNeeds(registry.client);
  }

  /** `wanted`: a version or a digest. */
  async read(name: string, wanted: string): Promise<PackageDetails> {
    const version = await this.find(name, wanted);
    const [attached, usedBy] = await Promise.all([this.attached(version), this.queries.usedBy(version)]);
    return { ...version, ...attached, usedBy };
  }

  /** New deployments of the version are refused from now on; the answer lists the chains that run it. */
  async yank(request: YankRequest): Promise<Yanked> {
    const { name, version: wanted } = request;
    const version = await this.find(name, wanted);
    const { sequence } = await this.registry.yank({ ...request, version: version.version });
    return { name, version: version.version, sequence, usedBy: await this.queries.usedBy(version) };
  }

  /** `wanted`: a version or a digest. */
  async find(name: string, wanted: string): Promise<PackageVersionView> {
    const { versions } = await this.queries.get(name);
    const found = versions.find(({ version, digest }) => version === wanted || digest === wanted);
    if (found) return found;
    const state = `there is no such version, there are ${versions.map(({ version }) => version).join(', ')}`;
    throw new L3afError('unknown-version', cannot('show', 'package', `${name}@${wanted}`, state));
  }

  private async attached(version: PackageVersionView): Promise<Attached & { problem?: WireError }> {
    const { name, digest } = version;
    try {
      const [attached, statements, needs] = await Promise.all([
        readAttached(this.registry.client, name, digest),
        this.statements.of(version),
        this.needs.of(version),
      ]);
      return { ...attached, statements, needs };
    } catch (error) {
      if (error instanceof L3afError) return { ...nothingAttached, problem: toWireError(error) };
      throw error;
    }
  }
}
