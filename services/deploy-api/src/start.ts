import type { AddressInfo } from 'node:net';
import type { Logger } from '@l3af/telemetry';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module';
import { BusConnection } from './bus/bus-connection';
import { prepareHttp } from './http/http-app';
import { NestLog } from './nest-log';
import type { Settings } from './settings';

/** A service that runs. */
export interface RunningApi extends AsyncDisposable {
  /** Of the REST API, with the port that it really has. */
  readonly url: string;
  readonly connection: BusConnection;
  /** Ends event streams, lets requests finish, leaves NATS. */
  close(): Promise<void>;
}

/** Starts the service. It answers at once, and is ready (`/readyz`) when NATS and config-store are there. */
export async function startApi(settings: Settings, logger: Logger): Promise<RunningApi> {
  const connection = new BusConnection(settings.NATS_URL, logger);
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(connection), {
    logger: new NestLog(logger),
    bodyParser: false,
    forceCloseConnections: true,
    abortOnError: false,
  });
  prepareHttp(app, logger);
  await app.listen(settings.L3AF_API_PORT, settings.L3AF_HOST);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const close = async (): Promise<void> => {
    connection.stopStreams();
    await app.close();
    await connection.close();
  };
  return { url: `http://${settings.L3AF_HOST}:${port}`, connection, close, [Symbol.asyncDispose]: close };
}
