import { setMaxListeners } from 'node:events';
import { cannot, L3afError } from '@l3af/contracts';
import type { NatsConnection } from 'nats';
import type { BusLog } from './log';

export interface LinkStatus {
  connected: boolean;
  server: string;
  serverVersion: string;
  reconnects: number;
}

/** Follows one NATS connection through its outages: who waits for it, and what ends when it breaks. */
export class Link {
  private breaking = new AbortController();
  private up = true;
  private reconnects = 0;
  private readonly waiting = new Set<() => void>();
  private readonly reconnectHandlers = new Set<() => void>();

  constructor(
    private readonly nc: NatsConnection,
    private readonly log: BusLog,
  ) {
    setMaxListeners(0, this.breaking.signal);
    void this.watch();
  }

  status(): LinkStatus {
    return {
      connected: this.up,
      server: this.nc.getServer(),
      serverVersion: this.nc.info?.version ?? '',
      reconnects: this.reconnects,
    };
  }

  /** Aborted when the connection of now breaks; whatever was set up on the server for it is then in doubt. */
  get session(): AbortSignal {
    return this.breaking.signal;
  }

  /** Called after every reconnect. Returns the way to stop it. */
  onReconnect(handler: () => void): () => void {
    this.reconnectHandlers.add(handler);
    return () => void this.reconnectHandlers.delete(handler);
  }

  /** Waits for the connection, until the deadline (milliseconds since the epoch; default: for ever) or the signal. */
  async connected(options: { deadline?: number; signal?: AbortSignal } = {}): Promise<AbortSignal> {
    while (!this.up) {
      if (this.nc.isClosed()) throw away('the connection is closed');
      await this.nextChange(options);
      if (options.signal?.aborted) throw away('the wait was ended');
      if (!this.up && options.deadline !== undefined && Date.now() >= options.deadline)
        throw away('no connection');
    }
    return this.session;
  }

  private nextChange(options: { deadline?: number; signal?: AbortSignal }): Promise<void> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(done);
        options.signal?.removeEventListener('abort', done);
        resolve();
      };
      this.waiting.add(done);
      options.signal?.addEventListener('abort', done);
      if (options.deadline !== undefined)
        timer = setTimeout(done, Math.max(0, options.deadline - Date.now()));
      if (options.signal?.aborted) done();
    });
  }

  private async watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      const type = String(status.type);
      if (type === 'disconnect') this.broken();
      else if (type === 'reconnect') this.restored();
      else if (type === 'error') this.log.warn({ error: status.data }, 'NATS reports an error');
    }
    this.broken();
  }

  private broken(): void {
    if (this.up && !this.nc.isClosed()) this.log.warn({ server: this.nc.getServer() }, 'NATS is away');
    this.up = false;
    this.breaking.abort();
    this.wake();
  }

  private restored(): void {
    this.up = true;
    this.reconnects++;
    this.breaking = new AbortController();
    setMaxListeners(0, this.breaking.signal);
    this.log.info({ server: this.nc.getServer() }, 'NATS is back');
    this.wake();
    for (const handler of this.reconnectHandlers) handler();
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake();
  }
}

function away(state: string): L3afError {
  return new L3afError('bus-unavailable', cannot('reach', 'bus', 'NATS', state));
}
