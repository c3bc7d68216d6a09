import { setTimeout as delay } from 'node:timers/promises';
import { L3afError, natsServerMinimum } from '@l3af/contracts';
import { connect, type ConnectionOptions, type NatsConnection } from 'nats';
import { Bus, type StreamManager } from './bus';
import { apiCodeOf, isTransient } from './bus-errors';
import { ensureStream } from './event-stream';
import { Link } from './link';
import { warningLog, type BusLog } from './log';

export interface ConnectBusOptions {
  /** One URL or several separated by commas, as in NATS_URL. User and password may be in the first. */
  servers: string;
  /** Shown by the server's monitoring. */
  name: string;
  log?: BusLog;
  /** Ends the wait for a server that is not there yet. */
  signal?: AbortSignal;
  /** Of the event stream when this call creates it; default 1. */
  replicas?: number;
}

/**
 * Connects to NATS and applies the stream settings. Waits for a server that is not there yet (until `signal`) and
 * reconnects for ever afterwards. A server that is too old or without JetStream is refused with `bus-unsuitable`.
 */
export async function connectBus(options: ConnectBusOptions): Promise<Bus> {
  const log = options.log ?? warningLog;
  for (let attempt = 0; ; attempt++) {
    options.signal?.throwIfAborted();
    try {
      return await connectOnce(options, log);
    } catch (error) {
      if (error instanceof L3afError) throw error;
      const state = error instanceof Error ? error.message : String(error);
      if (attempt % 20 === 0) log.warn({ servers: hosts(options.servers), state }, 'Waiting for NATS');
      await delay(
        Math.min(2_000, 100 * 2 ** attempt),
        undefined,
        options.signal && { signal: options.signal },
      );
    }
  }
}

async function connectOnce(options: ConnectBusOptions, log: BusLog): Promise<Bus> {
  const nc = await connect(connection(options));
  const link = new Link(nc, log);
  try {
    checkVersion(nc);
    const jsm = await manager(nc);
    await ensureStream(jsm, options.replicas);
    log.info({ server: nc.getServer(), version: nc.info?.version }, 'NATS is connected');
    return new Bus({ nc, js: nc.jetstream({ timeout: 5_000 }), jsm, link, log });
  } catch (error) {
    await nc.close();
    throw error;
  }
}

function connection(options: ConnectBusOptions): ConnectionOptions {
  return {
    ...natsAddress(options.servers),
    name: options.name,
    timeout: 3_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 20_000,
    maxPingOut: 2,
    ignoreAuthErrorAbort: true,
  };
}

/** NATS_URL in the client's words: addresses, and the user and password that the first URL may hold. */
export function natsAddress(servers: string): { servers: string[]; user?: string; pass?: string } {
  const first = servers.split(',')[0]!.trim();
  if (!first.includes('@')) return { servers: hosts(servers) };
  const url = new URL(first.includes('://') ? first : `nats://${first}`);
  const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  return { servers: hosts(servers), user, pass };
}

/** The addresses without credentials: also what may be logged. */
function hosts(servers: string): string[] {
  return servers.split(',').map((server) => server.trim().replace(/^([a-z]+:\/\/)?[^@/]*@/, '$1'));
}

function checkVersion(nc: NatsConnection): void {
  const version = nc.info?.version ?? '0';
  if (!olderThan(version, natsServerMinimum)) return;
  throw new L3afError(
    'bus-unsuitable',
    `Cannot use NATS at "${nc.getServer()}": it is version ${version}, needs ${natsServerMinimum} or newer`,
  );
}

export function olderThan(version: string, minimum: string): boolean {
  const numbers = (text: string): number[] => text.split(/[.-]/).slice(0, 3).map(Number);
  const [have, need] = [numbers(version), numbers(minimum)];
  for (let i = 0; i < 3; i++) {
    const difference = (have[i] ?? 0) - (need[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

async function manager(nc: NatsConnection): Promise<StreamManager> {
  try {
    return (await nc.jetstreamManager({ timeout: 5_000 })) as StreamManager;
  } catch (error) {
    // A cluster that has no leader yet answers with a code of the API; a server without JetStream with no responders.
    const missing = apiCodeOf(error) === undefined && (error as { code?: string }).code === '503';
    if (!missing && (isTransient(error) || nc.isClosed())) throw error;
    throw new L3afError(
      'bus-unsuitable',
      `Cannot use NATS at "${nc.getServer()}": JetStream is not enabled, needs nats-server -js`,
      { cause: error },
    );
  }
}
