import 'reflect-metadata';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBus } from '@l3af/event-store';
import type { Bus } from '@l3af/event-store';
import type { Logger } from '@l3af/telemetry';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module';
import { scheduleGarbage } from './gc/gc-schedule';
import { limitRate } from './http/rate-limit';
import { openRegistry } from './registry';
import type { Registry } from './registry';
import { RegistryAccess } from './registry-access';
import type { Settings } from './settings';
import { busState } from './state/bus-state';
import { CachedParts } from './state/cached-parts';
import { directoryState } from './state/directory-state';
import type { RegistryState } from './state/state';

export interface RunningRegistry {
  port: number;
  access: RegistryAccess;
  /** Settled once NATS has been reached. */
  ready: Promise<Registry>;
  close(): Promise<void>;
}

/** A client that sends nothing for this long is gone. */
const idleMs = 60_000;

/** Listens at once, and serves from the moment that NATS is there. */
export async function startRegistry(settings: Settings, logger: Logger): Promise<RunningRegistry> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, {
    bodyParser: false,
    logger: false,
  });
  app.set('etag', false).disable('x-powered-by');
  const perSecond = settings.L3AF_REQUESTS_PER_SECOND;
  if (perSecond > 0) app.use(['/v2', '/l3af'], limitRate(perSecond));
  await app.listen(settings.L3AF_REGISTRY_PORT, settings.L3AF_HOST);
  const server = app.getHttpServer();
  // A gigabyte may take longer than node's five minutes for a request; silence is what ends one.
  server.requestTimeout = 0;
  server.setTimeout(idleMs);
  // Node's five seconds close connections that clients are about to use again.
  server.keepAliveTimeout = idleMs;
  const access = app.get(RegistryAccess);
  access.logger = logger;
  access.credentialsDir = settings.L3AF_CREDENTIALS_DIR;
  const { port } = server.address() as AddressInfo;
  const temporaryCache = join(tmpdir(), `l3af-registry-${port}`);
  const cacheFolder = settings.L3AF_CACHE_DIR ?? temporaryCache;
  const stopping = new AbortController();
  let bus: Bus | undefined;
  let registry: Registry | undefined;
  let garbage: { stop(): Promise<void> } | undefined;
  const ready = (async () => {
    bus = await connectBus({
      servers: settings.NATS_URL,
      name: 'artifact-registry',
      log: logger,
      signal: stopping.signal,
    });
    const state = await openState(settings, bus, cacheFolder);
    registry = openRegistry(state, bus, {
      blobBytesMax: settings.L3AF_BLOB_BYTES_MAX,
      repositoryBytesMax: settings.L3AF_REPOSITORY_BYTES_MAX,
      uploadsMax: settings.L3AF_UPLOADS_MAX,
    });
    access.open(registry);
    if (settings.L3AF_GC_INTERVAL_SECONDS > 0)
      garbage = scheduleGarbage(registry, logger, {
        intervalMs: settings.L3AF_GC_INTERVAL_SECONDS * 1000,
        ageMsMin: settings.L3AF_GC_AGE_SECONDS * 1000,
      });
    return registry;
  })();
  const close = async (): Promise<void> => {
    stopping.abort();
    server.closeIdleConnections();
    await app.close();
    await garbage?.stop();
    await registry?.uploads.close();
    await registry?.state.parts.close();
    await bus?.close();
    if (settings.L3AF_CACHE_DIR === undefined) await rm(temporaryCache, { recursive: true, force: true });
  };
  return { port, access, ready, close };
}

async function openState(settings: Settings, bus: Bus, cacheFolder: string): Promise<RegistryState> {
  const folder = settings.L3AF_BLOB_DIR;
  if (folder !== undefined) return directoryState(folder, { sync: settings.L3AF_BLOB_SYNC === '1' });
  const state = busState(bus);
  const cache = { folder: cacheFolder, bytesMax: settings.L3AF_CACHE_BYTES_MAX };
  return { ...state, parts: await CachedParts.open(state.parts, cache) };
}
