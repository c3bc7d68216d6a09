import {
  type DynamicModule,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type Bus, connectBus } from '@l3af/event-store';
import { type HealthServer, type Logger, startHealthServer } from '@l3af/telemetry';
import { BuildWorker } from './build/build-worker';
import { findToolchain } from './sandbox/toolchain';
import type { Settings } from './settings';
import { prepareWorkDir } from './work-dir';

export interface AppParts {
  settings: Settings;
  log: Logger;
}

const appParts = Symbol('AppParts');

/** Starts in the order of need: health first, so that the wait for NATS can be seen; the queue last. */
@Injectable()
export class BuildEngine implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #stopping = new AbortController();
  #bus: Bus | undefined;
  #worker: BuildWorker | undefined;
  #health: HealthServer | undefined;
  #starting: Promise<void> | undefined;

  constructor(@Inject(appParts) private readonly parts: AppParts) {}

  async onApplicationBootstrap(): Promise<void> {
    const { settings, log } = this.parts;
    if (settings.metricsPort !== undefined) {
      const options = {
        port: settings.metricsPort,
        ready: () => this.isReady(),
        metrics: () => this.#metrics(),
      };
      this.#health = await startHealthServer(options);
    }
    await prepareWorkDir(settings.workDir);
    findToolchain().then(
      ({ version, levels }) => log.info({ version, levels }, 'compiler found'),
      (error: unknown) => log.warn({ err: error }, 'builds from source will be refused'),
    );
    this.#starting = this.#connect();
  }

  async #connect(): Promise<void> {
    const { settings, log } = this.parts;
    try {
      const options = { servers: settings.natsUrl, name: 'build-engine', log, signal: this.#stopping.signal };
      this.#bus = await connectBus(options);
      this.#worker = new BuildWorker({ bus: this.#bus, settings, log });
      this.#worker.start();
      log.info('taking builds');
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      log.fatal({ err: error }, 'cannot use NATS');
      process.exitCode = 1;
      process.kill(process.pid, 'SIGTERM');
    }
  }

  isReady(): boolean {
    return this.#worker !== undefined && (this.#bus?.status().connected ?? false);
  }

  #metrics(): string {
    const counts = this.#worker?.counts ?? { succeeded: 0, failed: 0, running: 0 };
    return [
      '# TYPE l3af_builds_total counter',
      `l3af_builds_total{outcome="succeeded"} ${counts.succeeded}`,
      `l3af_builds_total{outcome="failed"} ${counts.failed}`,
      '# TYPE l3af_builds_running gauge',
      `l3af_builds_running ${counts.running}`,
      '# TYPE l3af_verifications_total counter',
      `l3af_verifications_total ${this.#worker?.verified ?? 0}`,
      '',
    ].join('\n');
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopping.abort();
    await this.#starting;
    await this.#worker?.stop();
    await this.#bus?.close();
    await this.#health?.close();
  }
}

@Module({})
export class AppModule {
  static with(parts: AppParts): DynamicModule {
    return { module: AppModule, providers: [{ provide: appParts, useValue: parts }, BuildEngine] };
  }
}
