import { natsAddress } from '@l3af/event-store';
import type { Logger } from '@l3af/telemetry';
import { Logger as NestLogger, type INestMicroservice, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Transport,
  type ConsumerDeserializer,
  type IncomingRequest,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { AppModule } from './app.module';
import { Lifecycle } from './lifecycle';
import { WireErrorsFilter } from './query/wire-errors.filter';
import type { Settings } from './settings';

export interface ConfigStore {
  ready(): Promise<boolean>;
  close(): Promise<void>;
}

/** Runs the service: waits for NATS and Postgres, migrates, projects and answers queries. */
export async function startConfigStore(
  settings: Settings,
  logger: Logger,
  signal: AbortSignal,
): Promise<ConfigStore> {
  NestLogger.overrideLogger(nestLog(logger));
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    AppModule.with({ settings, logger, signal }),
    {
      transport: Transport.NATS,
      logger: nestLog(logger),
      abortOnError: false,
      options: {
        ...natsAddress(settings.NATS_URL),
        name: 'config-store-queries',
        // Replicas share the queries.
        queue: 'config-store',
        waitOnFirstConnect: true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        deserializer: requestReader,
      },
    },
  );
  app.useGlobalFilters(new WireErrorsFilter(logger));
  await app.listen();
  return { ready: readiness(app), close: () => app.close() };
}

const readiness = (app: INestMicroservice): (() => Promise<boolean>) => {
  const lifecycle = app.get(Lifecycle);
  return () => lifecycle.ready();
};

/** Nest's own reader throws on what is not JSON, outside of every filter: one bad message would end the process. */
const requestReader: ConsumerDeserializer = {
  deserialize(value: Uint8Array, options?: Record<string, unknown>): IncomingRequest {
    const pattern = options?.['channel'];
    try {
      const { data, id } = JSON.parse(new TextDecoder().decode(value)) as { data?: unknown; id?: unknown };
      return { pattern, data, id: typeof id === 'string' ? id : '' };
    } catch {
      return { pattern, data: 'not JSON', id: '' };
    }
  },
};

function nestLog(logger: Logger): LoggerService {
  const quiet = (message: unknown, context?: unknown): void => logger.debug({ context }, String(message));
  return {
    log: quiet,
    debug: quiet,
    verbose: quiet,
    warn: (message: unknown, context?: unknown) => logger.warn({ context }, String(message)),
    error: (message: unknown, detail?: unknown) => logger.error({ detail }, String(message)),
  };
}
