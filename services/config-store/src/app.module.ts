import { Bus, connectBus, Projector } from '@l3af/event-store';
import type { Logger } from '@l3af/telemetry';
import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { BuildController } from './build/build.controller';
import { buildProjection } from './build/build.projection';
import { ChainController } from './chain/chain.controller';
import { chainProjection } from './chain/chain.projection';
import { databaseOptions, entities, openDatabase } from './database/open-database';
import { Heartbeats } from './node/heartbeats';
import { NodeController } from './node/node.controller';
import { nodeProjection } from './node/node.projection';
import { PackageController } from './package/package.controller';
import { packageProjection } from './package/package.projection';
import { Lifecycle } from './lifecycle';
import { QueryAnswers } from './query/query-answers';
import { StatusController } from './query/status.controller';
import type { Settings } from './settings';

export interface AppOptions {
  settings: Settings;
  logger: Logger;
  /** Ends the wait for NATS and Postgres. */
  signal: AbortSignal;
}

export const projections = [nodeProjection, chainProjection, packageProjection, buildProjection];

@Module({})
export class AppModule {
  static with({ settings, logger, signal }: AppOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => ({ ...databaseOptions(settings.DATABASE_URL, logger), retryAttempts: 0 }),
          dataSourceFactory: (options) => openDatabase(new DataSource(options!), logger, signal),
        }),
        TypeOrmModule.forFeature(entities),
      ],
      controllers: [NodeController, ChainController, PackageController, BuildController, StatusController],
      providers: [
        {
          provide: Bus,
          useFactory: () =>
            connectBus({ servers: settings.NATS_URL, name: 'config-store', log: logger, signal }),
        },
        {
          provide: Projector,
          inject: [Bus, DataSource],
          useFactory: (bus: Bus, dataSource: DataSource) =>
            new Projector({ store: bus.store, dataSource, projections, log: logger }),
        },
        {
          provide: Heartbeats,
          inject: [Bus, DataSource],
          useFactory: (bus: Bus, dataSource: DataSource) => new Heartbeats(bus, dataSource, logger),
        },
        QueryAnswers,
        Lifecycle,
      ],
    };
  }
}
