import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryConfig, type Bus } from '@l3af/event-store';
import { createLogger } from '@l3af/telemetry';
import { startNats, startPostgres, waitFor, type TestNats, type TestPostgres } from '@l3af/testing';
import request from 'supertest';
// eslint-disable-next-line @nx/enforce-module-boundaries -- specs run against the real registry, not a stand-in
import { readSettings, startRegistry } from '../../../artifact-registry/src/index';
import { seed, startControlPlane, type ControlPlane } from './control-plane';

export interface UsedControlPlaneOptions {
  /** Whether there is an artifact-registry, too; default false. */
  registry?: boolean;
  /** Whether the stream has what {@link seed} tells; default true. */
  seeded?: boolean;
  /** Public keys (PEM) whose statements count, by the names of their files. */
  trustedKeys?: Record<string, string>;
}

/** What a spec may use from its own `beforeAll` on. */
export interface UsedControlPlane {
  readonly nats: TestNats;
  readonly postgres: TestPostgres;
  /** A connection to put facts into the stream. */
  readonly bus: Bus;
  /** Of the REST API. */
  readonly url: string;
  /** host:port of the gRPC API. */
  readonly grpc: string;
  /** Of the artifact-registry that was asked for. */
  readonly registryUrl: string;
  /** Asks the REST API. */
  api: () => ReturnType<typeof request>;
}

interface Started {
  nats: TestNats;
  postgres: TestPostgres;
  plane: ControlPlane;
  registryUrl: string | undefined;
}

type Undo = () => Promise<unknown>;

/**
 * NATS, Postgres, config-store and deploy-api of a spec file's own, from before its first test until after its last; the
 * API is ready by then, and what was seeded projected. Call it once, outside of tests.
 */
export function useControlPlane(options: UsedControlPlaneOptions = {}): UsedControlPlane {
  const undo: Undo[] = [];
  let started: Started | undefined;

  beforeAll(async () => {
    started = await start(options, undo);
  });

  afterAll(async () => {
    for (const step of undo.reverse()) await step();
  });

  const running = (): Started => {
    if (!started) throw new Error('Cannot use the control plane: it has not been started, needs beforeAll');
    return started;
  };
  return {
    get nats() {
      return running().nats;
    },
    get postgres() {
      return running().postgres;
    },
    get bus() {
      return running().plane.bus;
    },
    get url() {
      return running().plane.api.url;
    },
    get grpc() {
      return running().plane.api.grpc;
    },
    get registryUrl() {
      const { registryUrl } = running();
      if (registryUrl === undefined)
        throw new Error('Cannot use the registry: there is none, needs `registry: true`');
      return registryUrl;
    },
    api: () => request(running().plane.api.url),
  };
}

/** What was started until something failed can be undone, too. */
async function start(
  { registry = false, seeded = true, trustedKeys }: UsedControlPlaneOptions,
  undo: Undo[],
): Promise<Started> {
  const nats = await startNats();
  undo.push(() => nats.stop());
  const postgres = await startPostgres();
  undo.push(() => postgres.stop());
  const registryUrl = registry ? await openRegistry(nats.url, undo) : undefined;
  const plane = await startControlPlane({
    ...{ natsUrl: nats.url, databaseUrl: postgres.url },
    ...(registryUrl !== undefined && { registryUrl }),
    ...(trustedKeys && { trustedKeys: await keyFolder(trustedKeys, undo) }),
  });
  undo.push(() => plane.close());
  if (seeded) await seed(plane.bus);
  await waitFor(async () => (await fetch(`${plane.api.url}/readyz`)).ok, 'the API to be ready');
  await waitFor(() => isProjected(plane.bus), 'what was seeded to be projected');
  return { nats, postgres, plane, registryUrl };
}

/** Lists show what has been projected: unlike what is decided, they do not wait for the last event. */
async function isProjected(bus: Bus): Promise<boolean> {
  const sequence = await bus.store.lastSequence();
  const { projections } = await queryConfig(bus, 'status', {});
  return projections.every((projection) => projection.sequence >= sequence);
}

async function openRegistry(natsUrl: string, undo: Undo[]): Promise<string> {
  const settings = readSettings({ NATS_URL: natsUrl, L3AF_REGISTRY_PORT: '0' });
  const registry = await startRegistry(settings, createLogger('artifact-registry', 'silent'));
  undo.push(() => registry.close());
  await registry.ready;
  return `http://127.0.0.1:${registry.port}`;
}

async function keyFolder(keys: Record<string, string>, undo: Undo[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'l3af-trust-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  for (const [name, pem] of Object.entries(keys)) await writeFile(join(folder, name), pem);
  return folder;
}
