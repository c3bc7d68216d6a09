import { Module } from '@nestjs/common';
import { DistributionController } from './http/distribution.controller';
import { HealthController } from './http/health.controller';
import { MirrorController } from './packages/mirror.controller';
import { PackagesController } from './packages/packages.controller';
import { RegistryAccess } from './registry-access';

@Module({
  controllers: [DistributionController, HealthController, PackagesController, MirrorController],
  providers: [RegistryAccess],
})
export class AppModule {}
