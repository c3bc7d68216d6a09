import { toWireError, type StatusView, type WireError } from '@l3af/contracts';
import { queryConfig, type Bus } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { BusConnection } from '../bus/bus-connection';
import { RegistryApi } from '../registry/registry-api';
import { readBuilders } from './builders';

const none = { connected: false, server: null, serverVersion: null, reconnects: 0 };

/** Tells how the control plane is; answers whatever is away, since that is when people ask. */
@Injectable()
export class StatusQueries {
  constructor(
    private readonly connection: BusConnection,
    private readonly registry: RegistryApi,
  ) {}

  async get(): Promise<StatusView> {
    const [control, registry] = await Promise.all([this.controlPlane(), this.registry.status()]);
    const problems = [...control.problems, ...(registry.problem ? [registry.problem] : [])];
    return { ...control, registry: { url: registry.url, reachable: !registry.problem }, problems };
  }

  private async controlPlane(): Promise<StatusView> {
    const empty = { streamSequence: null, projections: [], nodes: [], builders: null };
    try {
      const bus = this.connection.get();
      const { connected, server, serverVersion, reconnects } = bus.status();
      const link = { connected, server, serverVersion, reconnects };
      try {
        const [store, builders] = await Promise.all([storeStatus(bus), readBuilders(bus)]);
        return { bus: link, ...store, builders };
      } catch (error) {
        return { bus: link, ...empty, problems: [toWireError(error)] };
      }
    } catch (error) {
      return { bus: none, ...empty, problems: [toWireError(error)] };
    }
  }
}

async function storeStatus(bus: Bus): Promise<Omit<StatusView, 'bus'>> {
  const [{ projections, streamSequence }, nodes] = await Promise.all([
    queryConfig(bus, 'status', { timeoutMs: 3_000 }),
    queryConfig(bus, 'nodes.list', { timeoutMs: 3_000 }),
  ]);
  const stopped = projections.flatMap(({ name, error }): WireError[] =>
    error
      ? [
          {
            code: 'store-unavailable',
            message: `Projection "${name}" has stopped at sequence ${error.sequence}: ${error.message}`,
          },
        ]
      : [],
  );
  const silent = nodes
    .filter(({ state }) => state === 'silent')
    .map(({ name }): WireError => ({
      code: 'node-silent',
      message: `Node "${name}" has not been heard for 15 s`,
    }));
  return {
    streamSequence,
    projections,
    nodes: nodes.map(({ name, state, lastSeenAt, rssBytes }) => ({ name, state, lastSeenAt, rssBytes })),
    problems: [...stopped, ...silent],
  };
}
