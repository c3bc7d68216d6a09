import { chainKeyText, type ChainKey, chainSubject, liveChainSubjects, toWireError } from '@l3af/contracts';
import { type Bus, queryConfig, type StoredEnvelope, type Subscription } from '@l3af/event-store';
import { desiredFrom, type DesiredChain } from '../chain/desired';
import type { Logger } from '../logger';
import type { Causation } from '../report/reporter';

export interface ChainSourceOptions {
  bus: Bus;
  node: string;
  log: Logger;
  /** Hooks that this node knows of by itself: asked for even while config-store is away. */
  known: () => ChainKey[];
  offer: (desired: DesiredChain, causation: Causation) => void;
}

const resyncMs = 60_000;
const retryMs = 1000;

/**
 * Brings this node's desired chains: live revisions by one plain subscription, and everything again by exact direct
 * gets at start, after a reconnect and every minute (a live message may be missed; the last per subject may not).
 */
export class ChainSource {
  private readonly live: Subscription;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  /** Resolves after the first complete read. */
  readonly synced: Promise<void>;
  private firstSync!: () => void;

  constructor(private readonly options: ChainSourceOptions) {
    this.synced = new Promise((resolve) => (this.firstSync = resolve));
    const { bus, node } = options;
    this.live = bus.subscribeLive(liveChainSubjects(node), ({ stored }) => {
      if (stored) this.take(stored);
    });
    bus.onReconnect(() => void this.resync());
    void this.resync();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.live.stop();
  }

  private async resync(): Promise<void> {
    clearTimeout(this.timer);
    if (this.stopped) return;
    let nextMs = resyncMs;
    try {
      await this.readAll();
      this.firstSync();
    } catch (error) {
      nextMs = retryMs;
      this.options.log.warn({ error: toWireError(error) }, 'chains could not be read whole; trying again');
    }
    if (!this.stopped) this.timer = setTimeout(() => void this.resync(), nextMs);
  }

  private async readAll(): Promise<void> {
    const { bus, node, known } = this.options;
    const keys = new Map(known().map((key) => [chainKeyText(key), key]));
    await this.read([...keys.values()]);
    const listed = await queryConfig(bus, 'chains.keys', { node });
    await this.read(listed.filter((key) => !keys.has(chainKeyText(key))));
  }

  private async read(keys: ChainKey[]): Promise<void> {
    for (const key of keys) {
      const last = await this.options.bus.store.last(chainSubject(key));
      if (last) this.take(last);
    }
  }

  private take(stored: StoredEnvelope): void {
    const event = stored.events.at(-1);
    if (event?.type !== 'ChainRevised' && event?.type !== 'ChainCleared' && event?.type !== 'ChainDeleted')
      return;
    const { correlationId, id } = stored.envelope;
    this.options.offer(desiredFrom(event, stored.sequence), { correlationId, causationId: id });
  }
}
