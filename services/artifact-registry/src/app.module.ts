import { Module } from '@nestjs/common';
import { DistributionController } from './http/distribution.controller';
import { HealthController } from './http/health.controller';
import { PackagesController } from './packages/packages.controller';
import { RegistryAccess } from './registry-access';

@Module({
  controllers: [DistributionController, HealthController, PackagesController],
  providers: [RegistryAccess],
})
export class AppModule {}
