import { RegistryClient } from '@l3af/oci';
import { Module, type DynamicModule } from '@nestjs/common';
import { BuildController } from './build/build.controller';
import { BuildGrpc } from './build/build.grpc';
import { BuildHandler } from './build/build.handler';
import { BuildQueries } from './build/build.queries';
import { BusConnection } from './bus/bus-connection';
import { ChainController } from './chain/chain.controller';
import { ChainGrpc } from './chain/chain.grpc';
import { ChainHandler } from './chain/chain.handler';
import { ChainQueries } from './chain/chain.queries';
import { LiveController } from './chain/live.controller';
import { LiveGrpc } from './chain/live.grpc';
import { LiveQueries } from './chain/live.queries';
import { BuildProgressLog } from './event/build-progress';
import { EventController } from './event/event.controller';
import { DocsController } from './docs/docs.controller';
import { EventGrpc } from './event/event.grpc';
import { EventQueries } from './event/event.queries';
import { FleetHandler } from './node/fleet.handler';
import { NodeController } from './node/node.controller';
import { NodeGrpc } from './node/node.grpc';
import { NodeQueries } from './node/node.queries';
import { PackageController } from './package/package.controller';
import { PackageGrpc } from './package/package.grpc';
import { PackageDetailsReader } from './package/package-details';
import { PackageSchemas } from './package/package-schemas';
import { PackageQueries } from './package/package.queries';
import { Statements } from './package/statements';
import { RegistryApi } from './registry/registry-api';
import { HealthController } from './status/health.controller';
import { StatusController } from './status/status.controller';
import { StatusQueries } from './status/status.queries';
import { GroupTrust } from './trust/group-trust';

const controllers = [
  ChainController,
  LiveController,
  EventController,
  BuildController,
  PackageController,
  NodeController,
  StatusController,
  HealthController,
  DocsController,
];
const grpcControllers = [ChainGrpc, LiveGrpc, EventGrpc, BuildGrpc, PackageGrpc, NodeGrpc];
const handlers = [ChainHandler, BuildHandler, FleetHandler];
const queries = [
  ChainQueries,
  LiveQueries,
  EventQueries,
  BuildQueries,
  PackageQueries,
  NodeQueries,
  StatusQueries,
];

/** The service's parts. Whoever starts it brings the connections. */
@Module({})
export class AppModule {
  static with(connection: BusConnection, registry: RegistryApi, trust: GroupTrust): DynamicModule {
    return {
      module: AppModule,
      controllers: [...controllers, ...grpcControllers],
      providers: [
        { provide: BusConnection, useValue: connection },
        { provide: RegistryApi, useValue: registry },
        { provide: RegistryClient, useValue: registry.client },
        { provide: GroupTrust, useValue: trust },
        BuildProgressLog,
        PackageSchemas,
        Statements,
        PackageDetailsReader,
        ...handlers,
        ...queries,
      ],
    };
  }
}
