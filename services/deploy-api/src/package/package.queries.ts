import { cannot, L3afError, type PackageView } from '@l3af/contracts';
import { queryConfig } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { BusConnection } from '../bus/bus-connection';

/** Reads packages; newest version first. */
@Injectable()
export class PackageQueries {
  constructor(private readonly connection: BusConnection) {}

  list(): Promise<PackageView[]> {
    return queryConfig(this.connection.get(), 'packages.list', {});
  }

  async get(name: string, minSequence?: number): Promise<PackageView> {
    const fresh = minSequence !== undefined && { minSequence };
    const view = await queryConfig(this.connection.get(), 'packages.get', { name, ...fresh });
    if (view) return view;
    throw new L3afError('unknown-package', cannot('show', 'package', name, 'there is none'));
  }
}
