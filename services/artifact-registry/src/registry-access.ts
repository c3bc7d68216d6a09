import { createLogger } from '@l3af/telemetry';
import type { Logger } from '@l3af/telemetry';
import { Injectable } from '@nestjs/common';
import { DistributionError } from './distribution-error';
import type { Registry } from './registry';

/** The registry, once NATS has been reached; requests before that are answered with 503. */
@Injectable()
export class RegistryAccess {
  private registry: Registry | undefined;
  /** Set at start; what happens inside requests is told here. */
  logger: Logger = createLogger('artifact-registry', 'silent');
  /** Where credentials for other registries lie. */
  credentialsDir: string | undefined;

  open(registry: Registry): void {
    this.registry = registry;
  }

  get(): Registry {
    if (this.registry) return this.registry;
    throw new DistributionError('UNAVAILABLE', 'the registry waits for NATS');
  }
}
