import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBus, type Bus } from '@l3af/event-store';
import { RegistryClient } from '@l3af/oci';
import { createLogger } from '@l3af/telemetry';
import { startNats, type TestNats } from '@l3af/testing';
import { readSettings } from '../settings';
import { startRegistry, type RunningRegistry } from '../start-registry';

/** A registry that serves. */
export interface StartedRegistry extends RunningRegistry {
  readonly url: string;
  readonly client: RegistryClient;
}

/** What a spec may use from its own `beforeAll` on. */
export interface UsedServers {
  readonly nats: TestNats;
  readonly bus: Bus;
  /** Empty at first; gone after the last test. */
  readonly folder: string;
  /** Starts a registry with more environment variables; it is closed after the last test, unless that was done before. */
  start: (environment?: Record<string, string>) => Promise<StartedRegistry>;
}

/** NATS, a connection to it, and registries, of a `describe` of their own. Call it there, outside of tests. */
export function useServers(): UsedServers {
  const undo: (() => Promise<unknown>)[] = [];
  let started: Pick<UsedServers, 'nats' | 'bus' | 'folder'> | undefined;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'l3af-registry-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const nats = await startNats();
    undo.push(() => nats.stop());
    const bus = await connectBus({ servers: nats.url, name: 'test' });
    undo.push(() => bus.close());
    started = { nats, bus, folder };
  });

  afterAll(async () => {
    for (const step of undo.reverse()) await step();
  });

  const running = (): NonNullable<typeof started> => {
    if (!started) throw new Error('Cannot use the servers: they have not been started, needs beforeAll');
    return started;
  };
  return {
    get nats() {
      return running().nats;
    },
    get bus() {
      return running().bus;
    },
    get folder() {
      return running().folder;
    },
    async start(environment = {}) {
      const settings = { NATS_URL: running().nats.url, L3AF_REGISTRY_PORT: '0', ...environment };
      const registry = await startRegistry(readSettings(settings), createLogger('test', 'silent'));
      let closed: Promise<void> | undefined;
      const close = (): Promise<void> => (closed ??= registry.close());
      undo.push(close);
      await registry.ready;
      const url = `http://127.0.0.1:${registry.port}`;
      return { ...registry, url, client: new RegistryClient(url), close };
    },
  };
}
