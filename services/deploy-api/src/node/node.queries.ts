import { cannot, L3afError, type NodeView } from '@l3af/contracts';
import { queryConfig } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { BusConnection } from '../bus/bus-connection';

/** Reads nodes. */
@Injectable()
export class NodeQueries {
  constructor(private readonly connection: BusConnection) {}

  list(): Promise<NodeView[]> {
    return queryConfig(this.connection.get(), 'nodes.list', {});
  }

  async get(name: string, minSequence?: number): Promise<NodeView> {
    const fresh = minSequence !== undefined && { minSequence };
    const view = await queryConfig(this.connection.get(), 'nodes.get', { name, ...fresh });
    if (view) return view;
    throw new L3afError('unknown-node', cannot('show', 'node', name, 'no node of this name has registered'));
  }
}
