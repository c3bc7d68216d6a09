import { type NodeStatus, nodeStatusSubject } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';

const intervalMs = 5000;

export interface HeartbeatOptions {
  node: string;
  bus: Bus;
  chains: () => NodeStatus['chains'];
}

/** Publishes the node's status every 5 s, and at once; returns what stops it. */
export function startHeartbeat({ node, bus, chains }: HeartbeatOptions): () => void {
  const startedAt = new Date().toISOString();
  const beat = (): void => {
    const status: NodeStatus = {
      node,
      at: new Date().toISOString(),
      startedAt,
      rssBytes: process.memoryUsage.rss(),
      chains: chains(),
    };
    bus.publishLive(nodeStatusSubject(node), status);
  };
  beat();
  const timer = setInterval(beat, intervalMs);
  return () => clearInterval(timer);
}
