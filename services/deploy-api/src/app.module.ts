import { Module, type DynamicModule } from '@nestjs/common';
import { BuildController } from './build/build.controller';
import { BuildHandler } from './build/build.handler';
import { BuildQueries } from './build/build.queries';
import { BusConnection } from './bus/bus-connection';
import { ChainController } from './chain/chain.controller';
import { ChainHandler } from './chain/chain.handler';
import { ChainQueries } from './chain/chain.queries';
import { EventController } from './event/event.controller';
import { EventQueries } from './event/event.queries';
import { FleetHandler } from './node/fleet.handler';
import { NodeController } from './node/node.controller';
import { NodeQueries } from './node/node.queries';
import { PackageController } from './package/package.controller';
import { PackageQueries } from './package/package.queries';
import { HealthController } from './status/health.controller';
import { StatusController } from './status/status.controller';
import { StatusQueries } from './status/status.queries';

const controllers = [
  ChainController,
  EventController,
  BuildController,
  PackageController,
  NodeController,
  StatusController,
  HealthController,
];
const handlers = [ChainHandler, BuildHandler, FleetHandler];
const queries = [ChainQueries, EventQueries, BuildQueries, PackageQueries, NodeQueries, StatusQueries];

/** The service's parts. Whoever starts it brings the connection. */
@Module({})
export class AppModule {
  static with(connection: BusConnection): DynamicModule {
    return {
      module: AppModule,
      controllers,
      providers: [{ provide: BusConnection, useValue: connection }, ...handlers, ...queries],
    };
  }
}
