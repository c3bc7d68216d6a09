import type { ChainKey, CountersReset, LiveEnd, LiveExplanation, NodeRequest } from '@l3af/contracts';
import { requestNode, type Bus } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { BusConnection } from '../bus/bus-connection';
import type { RequestContext } from '../request-context';

export type LiveEvent = { packet: LiveExplanation } | { end: LiveEnd };
export type LiveRequest = Omit<NodeRequest<'explain-start'>, 'interface' | 'hook'>;

/** The node loads a chain for it, which may take its verifier a while. */
const startTimeoutMs = 60_000;

/** What is asked of a live chain while it runs: its packets, explained as they come, and its counters. */
@Injectable()
export class LiveQueries {
  constructor(private readonly connection: BusConnection) {}

  /** Resolves when the node records; what it hands out ends with why, or when `signal` is aborted: the chain is then as before. */
  async explain(
    key: ChainKey,
    request: LiveRequest,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<LiveEvent>> {
    const { node, ...place } = key;
    const bus = this.connection.get();
    const start = { ...place, ...request, timeoutMs: startTimeoutMs };
    const { session } = await requestNode(bus, node, 'explain-start', start);
    return packetsOf(bus, { node, session, signal });
  }

  /** Lets a live chain's counters begin at zero, or those of one KF; answers what they were. The node stores who did it. */
  async resetCounters(
    key: ChainKey,
    kf: string | undefined,
    context: RequestContext,
  ): Promise<CountersReset> {
    const { node, ...place } = key;
    const request = { ...place, ...context, ...(kf !== undefined && { kf }) };
    return requestNode(this.connection.get(), node, 'reset-counters', request);
  }
}

async function* packetsOf(
  bus: Bus,
  { node, session, signal }: { node: string; session: string; signal: AbortSignal },
): AsyncGenerator<LiveEvent> {
  let isOver = false;
  try {
    while (!signal.aborted) {
      const { packets, end } = await requestNode(bus, node, 'explain-next', { session });
      for (const packet of packets) yield { packet };
      if (!end) continue;
      isOver = true;
      yield { end };
      return;
    }
  } finally {
    // The node ends by itself when nobody asks any more; this is sooner.
    if (!isOver) await requestNode(bus, node, 'explain-stop', { session }).catch(() => undefined);
  }
}
