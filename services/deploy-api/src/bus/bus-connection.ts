import { setTimeout as delay } from 'node:timers/promises';
import { L3afError, toWireError, type WireError } from '@l3af/contracts';
import { connectBus, queryConfig, type Bus } from '@l3af/event-store';
import type { Logger } from '@l3af/telemetry';

/** Holds the connection to NATS, which may come later than the first request. */
export class BusConnection {
  private bus: Bus | undefined;
  private refusal: L3afError | undefined;
  private readonly stopping = new AbortController();
  /** Resolves with the first connection; for those who can wait. */
  private readonly connecting: Promise<void>;

  constructor(
    private readonly servers: string,
    private readonly logger: Logger,
  ) {
    this.connecting = this.connect();
  }

  /** Ends when the service stops: open event streams end with it. */
  get stopped(): AbortSignal {
    return this.stopping.signal;
  }

  /** The connection; throws `bus-unavailable` before there is one, `bus-unsuitable` when NATS is too old. */
  get(): Bus {
    if (this.bus) return this.bus;
    if (this.refusal) throw this.refusal;
    throw new L3afError('bus-unavailable', 'Cannot reach bus "NATS": not connected yet');
  }

  /** The first connection; undefined when the service stops before there is one. */
  async connected(): Promise<Bus | undefined> {
    await this.connecting;
    return this.bus;
  }

  /** What keeps the service from serving; empty when it is ready. */
  async problems(): Promise<WireError[]> {
    try {
      const bus = this.get();
      if (!bus.status().connected) {
        throw new L3afError('bus-unavailable', 'Cannot reach bus "NATS": the connection is broken');
      }
      await queryConfig(bus, 'status', { timeoutMs: 2_000 });
      return [];
    } catch (error) {
      return [toWireError(error)];
    }
  }

  /** Ends the event streams. The connection stays for the requests that are still being answered. */
  stopStreams(): void {
    this.stopping.abort();
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.connecting;
    await this.bus?.close();
  }

  private async connect(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        this.bus = await connectBus({ servers: this.servers, name: 'deploy-api', log: this.logger, signal });
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof L3afError) this.refusal = error;
        this.logger.error({ err: error }, 'cannot use NATS, trying again');
        await delay(5_000, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
