import { combineTrust, type Trusted } from '@l3af/contracts';
import { readGroupTrust } from '@l3af/event-store';
import type { BusConnection } from '../bus/bus-connection';

/** Whose word counts about packages: whom the service trusts by itself, and whom groups of nodes are told to trust. */
export class GroupTrust {
  constructor(
    private readonly connection: BusConnection,
    private readonly own: readonly Trusted[],
  ) {}

  /** Whom nodes of these groups are told to trust now, as their executors reckon it. */
  async of(groups: readonly string[]): Promise<Trusted> {
    return combineTrust(this.own, await readGroupTrust(this.connection.get(), groups));
  }
}
