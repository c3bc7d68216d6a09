import { Module, type DynamicModule } from '@nestjs/common';
import { BusConnection } from './bus/bus-connection';
import { ChainController } from './chain/chain.controller';
import { ChainHandler } from './chain/chain.handler';
import { ChainQueries } from './chain/chain.queries';
import { HealthController } from './status/health.controller';

/** The service's parts. Whoever starts it brings the connection. */
@Module({})
export class AppModule {
  static with(connection: BusConnection): DynamicModule {
    return {
      module: AppModule,
      controllers: [ChainController, HealthController],
      providers: [{ provide: BusConnection, useValue: connection }, ChainHandler, ChainQueries],
    };
  }
}
