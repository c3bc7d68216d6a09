import {
  cannot,
  chainKeyText,
  chainSubject,
  L3afError,
  type ChainHistoryEntry,
  type ChainKey,
  type ChainView,
  type Explanation,
  type Timing,
  type NodeReply,
  type NodeView,
} from '@l3af/contracts';
import { queryConfig, requestNode, type Bus } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { BusConnection } from '../bus/bus-connection';
import { withLive } from './live-view';

/** Counters come from the node itself; a view must not wait long for a node that is slow or gone. */
const nodeTimeoutMs = 1_500;

/** Reads chains: what is desired and reported from config-store, the counters live from the node. */
@Injectable()
export class ChainQueries {
  constructor(private readonly connection: BusConnection) {}

  /** One chain as of now: whoever changed it a moment ago sees the change. */
  async get(key: ChainKey): Promise<ChainView> {
    const bus = this.connection.get();
    const minSequence = (await bus.store.last(chainSubject(key)))?.sequence;
    const [view, node, live] = await Promise.all([
      queryConfig(bus, 'chains.get', { ...key, ...(minSequence !== undefined && { minSequence }) }),
      queryConfig(bus, 'nodes.get', { name: key.node }),
      liveChains(bus, key.node, { interface: key.interface, hook: key.hook }),
    ]);
    if (!view) throw unknownChain(key, node);
    return withLive(view, { node, live });
  }

  /** All chains of a node, or of all nodes. */
  async list(node: string, options: { deleted?: boolean } = {}): Promise<ChainView[]> {
    const bus = this.connection.get();
    const [views, nodeView, live] = await Promise.all([
      queryConfig(bus, 'chains.list', { node, ...options }),
      queryConfig(bus, 'nodes.get', { name: node }),
      liveChains(bus, node, {}),
    ]);
    if (!nodeView && views.length === 0) throw unknownNode(node);
    return views.map((view) => withLive(view, { node: nodeView, live }));
  }

  async history(key: ChainKey): Promise<ChainHistoryEntry[]> {
    const bus = this.connection.get();
    const last = await bus.store.last(chainSubject(key));
    if (!last) throw unknownChain(key, await queryConfig(bus, 'nodes.get', { name: key.node }));
    return queryConfig(bus, 'chains.history', { ...key, minSequence: last.sequence });
  }

  /** The entries of a KF's map, from the kernel, now. */
  async map(
    key: ChainKey,
    { kf, map, limit }: { kf: string; map: string; limit?: number | undefined },
  ): Promise<NodeReply<'map-dump'>> {
    const bus = this.connection.get();
    const { node, ...place } = key;
    return requestNode(bus, node, 'map-dump', { ...place, kf, map, ...(limit !== undefined && { limit }) });
  }

  /** What the live chain does to one packet (in hex), KF by KF; nothing that runs is changed. */
  async explain(key: ChainKey, packet: string): Promise<Explanation> {
    const { node, ...place } = key;
    return requestNode(this.connection.get(), node, 'explain', { ...place, packet });
  }

  /** What each KF of the live chain costs on live packets, measured for some seconds. */
  async time(key: ChainKey, seconds: number): Promise<Timing> {
    const { node, ...place } = key;
    const timeoutMs = seconds * 1000 + 30_000;
    return requestNode(this.connection.get(), node, 'time', { ...place, seconds, timeoutMs });
  }
}

type LiveChains = NodeReply<'chains'>;

/** The node's live chains; none when it does not answer in time: the view then says so by its state. */
async function liveChains(
  bus: Bus,
  node: string,
  place: { interface?: string; hook?: ChainKey['hook'] },
): Promise<LiveChains> {
  try {
    return await requestNode(bus, node, 'chains', { ...place, timeoutMs: nodeTimeoutMs });
  } catch (error) {
    if (error instanceof L3afError) return [];
    throw error;
  }
}

function unknownChain(key: ChainKey, node: NodeView | null): L3afError {
  if (!node) return unknownNode(key.node);
  return new L3afError('unknown-chain', cannot('show', 'chain', chainKeyText(key), 'there is none'));
}

function unknownNode(node: string): L3afError {
  return new L3afError('unknown-node', cannot('use', 'node', node, 'no node of this name has registered'));
}
