import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readTrustFiles } from '@l3af/oci';
import type { Logger } from '@l3af/telemetry';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module';
import { BusConnection } from './bus/bus-connection';
import { GrpcServer } from './grpc/grpc-server';
import { prepareHttp } from './http/http-app';
import { NestLog } from './nest-log';
import { RegistryApi } from './registry/registry-api';
import type { Settings } from './settings';
import { GroupTrust } from './trust/group-trust';

/** A service that runs. */
export interface RunningApi extends AsyncDisposable {
  /** Of the REST API, with the port that it really has. */
  readonly url: string;
  /** host:port of the gRPC API. */
  readonly grpc: string;
  readonly connection: BusConnection;
  /** Every route of the REST API, as `GET /v1/nodes/:node`. */
  routes(): string[];
  /** Ends event streams, lets requests finish, leaves NATS. */
  close(): Promise<void>;
}

/** How long requests that are under way may take once the service stops. */
const drainMs = 5_000;

/** A change waits for it only when it needs to look into an image. */
const registryTimeoutMs = 10_000;

/** Starts the service. It answers at once, and is ready (`/readyz`) when NATS and config-store are there. */
export async function startApi(settings: Settings, logger: Logger): Promise<RunningApi> {
  const connection = new BusConnection(settings.NATS_URL, logger);
  const registry = new RegistryApi(settings.L3AF_REGISTRY_URL, registryTimeoutMs);
  const { L3AF_TRUSTED_KEYS: own } = settings;
  const trust = new GroupTrust(connection, own === undefined ? [] : readTrustFiles(own));
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(connection, registry, trust), {
    logger: new NestLog(logger),
    bodyParser: false,
    abortOnError: false,
  });
  prepareHttp(app, logger);
  const grpcServer = new GrpcServer(connection);
  const host = settings.L3AF_HOST.includes(':') ? `[${settings.L3AF_HOST}]` : settings.L3AF_HOST;
  const grpc = `${host}:${settings.L3AF_GRPC_PORT}`;
  app.connectMicroservice(grpcServer.options(grpc));
  await app.startAllMicroservices();
  grpcServer.watchHealth();
  await app.listen(settings.L3AF_API_PORT, settings.L3AF_HOST);
  const server = app.getHttpServer();
  const close = async (): Promise<void> => {
    connection.stopStreams();
    const force = setTimeout(() => server.closeAllConnections(), drainMs);
    await Promise.all([closeServer(server), grpcServer.drain()]);
    clearTimeout(force);
    await app.close();
    await connection.close();
  };
  const { port } = server.address() as AddressInfo;
  const url = `http://${host}:${port}`;
  return { url, grpc, connection, routes: () => routesOf(app), close, [Symbol.asyncDispose]: close };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
}

function routesOf(app: NestExpressApplication): string[] {
  const { router } = app.getHttpAdapter().getInstance() as unknown as { router: { stack: Layer[] } };
  return router.stack.flatMap(({ route }) =>
    route ? Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`) : [],
  );
}
