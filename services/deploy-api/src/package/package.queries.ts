import {
  cannot,
  L3afError,
  type ObjectSchema,
  type PackageUse,
  type PackageVersionView,
  type PackageView,
} from '@l3af/contracts';
import { queryConfig } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { BusConnection } from '../bus/bus-connection';
import { PackageSchemas } from './package-schemas';
import { matches, saysLoaded, type SearchConditions } from './search';
import { Statements } from './statements';

/** Reads packages; newest version first. */
@Injectable()
export class PackageQueries {
  constructor(
    private readonly connection: BusConnection,
    private readonly schemas: PackageSchemas,
    private readonly statements: Statements,
  ) {}

  list(): Promise<PackageView[]> {
    return queryConfig(this.connection.get(), 'packages.list', {});
  }

  /**
   * The packages with versions for which all conditions hold; without conditions, all packages. Throws `registry-unavailable` when a
   * kernel is asked for and nobody can say who signed what.
   */
  async search(conditions: SearchConditions): Promise<PackageView[]> {
    const views = await this.list();
    if (Object.values(conditions).every((condition) => condition === undefined)) return views;
    const found = views.map(async ({ name, versions }) => ({
      name,
      versions: await this.matching(versions, conditions),
    }));
    return (await Promise.all(found)).filter(({ versions }) => versions.length > 0);
  }

  private async matching(versions: PackageVersionView[], conditions: SearchConditions) {
    const matching: PackageVersionView[] = [];
    for (const version of versions) {
      const needsSchema = conditions.hook !== undefined || conditions.type !== undefined;
      const schema = needsSchema ? await this.schemaOf(version) : version.schema;
      if (!matches({ ...version, schema }, conditions)) continue;
      if (await this.isVouchedFor(version, conditions)) matching.push(version);
    }
    return matching;
  }

  /** Whoever may push may claim that a kernel loaded a version; one who is trusted must have signed it. */
  private async isVouchedFor(version: PackageVersionView, { kernel }: SearchConditions): Promise<boolean> {
    if (kernel === undefined) return true;
    const statements = await this.statements.of(version);
    return statements.some((said) => said.signer !== null && saysLoaded(said, kernel));
  }

  /** Null when nobody can say what is inside: a search finds what is known, and does not fail for what is not. */
  private async schemaOf(version: PackageVersionView): Promise<ObjectSchema | null> {
    if (version.yanked !== null) return version.schema;
    try {
      return await this.schemas.of(version);
    } catch (error) {
      if (error instanceof L3afError) return null;
      throw error;
    }
  }

  async get(name: string, minSequence?: number): Promise<PackageView> {
    const fresh = minSequence !== undefined && { minSequence };
    const view = await queryConfig(this.connection.get(), 'packages.get', { name, ...fresh });
    if (view) return view;
    throw new L3afError('unknown-package', cannot('show', 'package', name, 'there is none'));
  }

  /** The chains that run a version now, or should. */
  async usedBy({ name, digest }: PackageVersionView): Promise<PackageUse[]> {
    const chains = await queryConfig(this.connection.get(), 'chains.list', {});
    return chains.flatMap(({ desired, reported, ...key }) => {
      const kfs = desired?.kfs.filter((kf) => kf.package === name && kf.digest === digest) ?? [];
      const chain = { ...key, revision: desired?.revision ?? 0, state: reported?.state ?? null };
      return kfs.map((kf) => ({ ...chain, kf: kf.name, enabled: kf.enabled }));
    });
  }
}
