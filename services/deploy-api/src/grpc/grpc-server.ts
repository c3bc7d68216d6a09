import { dirname, join } from 'node:path';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { type GrpcOptions, Transport } from '@nestjs/microservices';
import { HealthImplementation } from 'grpc-health-check';
import type { BusConnection } from '../bus/bus-connection';
import { archiveBytesMax } from '../build/upload';

// By a variable: Nx takes a literal for a lazy import of the whole library.
const contracts = '@l3af/contracts';
const healthEveryMs = 5_000;
/** How long calls that are under way may take once the service stops. */
const drainMs = 5_000;

/** The gRPC server's settings and what is added to it: reflection and health. */
export class GrpcServer {
  private server: Server | undefined;
  private readonly health = new HealthImplementation({ '': 'NOT_SERVING' });
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly connection: BusConnection) {}

  /** Where the .proto files are, in the sources as in the build. */
  static readonly protoDir = join(dirname(require.resolve(contracts)), 'proto');

  options(url: string): GrpcOptions {
    return {
      transport: Transport.GRPC,
      options: {
        url,
        package: 'l3af.v1',
        protoPath: ['chain', 'node', 'build', 'event'].map((name) => `l3af/v1/${name}.proto`),
        loader: {
          includeDirs: [GrpcServer.protoDir],
          longs: Number,
          enums: String,
          defaults: true,
          oneofs: true,
        },
        maxReceiveMessageLength: archiveBytesMax + 1024 * 1024,
        onLoadPackageDefinition: (definition, server) => {
          this.server = server as Server;
          new ReflectionService(definition).addToServer(server as Server);
          this.health.addToServer(server as Server);
        },
      },
    };
  }

  /** Keeps the health service at what `/readyz` says. */
  watchHealth(): void {
    const check = async (): Promise<void> => {
      const problems = await this.connection.problems();
      this.health.setStatus('', problems.length === 0 ? 'SERVING' : 'NOT_SERVING');
    };
    void check();
    this.timer = setInterval(() => void check(), healthEveryMs);
  }

  /** Lets calls finish; those that take too long are ended. */
  async drain(): Promise<void> {
    clearInterval(this.timer);
    this.health.setStatus('', 'NOT_SERVING');
    const { server } = this;
    if (!server) return;
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        server.forceShutdown();
        resolve();
      }, drainMs);
      server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }
}
