import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { createLogger, exitOnSignal, maskSecrets, startTelemetry } from '@l3af/telemetry';
import { AppModule } from './app.module';
import { readSettings } from './settings';

async function main(): Promise<void> {
  const log = createLogger('build-engine');
  try {
    const telemetry = await startTelemetry('build-engine');
    const settings = readSettings(process.env);
    log.info(
      { settings: maskSecrets({ ...settings, signingKey: `file ${settings.signingKey}` }) },
      'build-engine starts',
    );
    const app = await NestFactory.createApplicationContext(AppModule.with({ settings, log }), {
      logger: false,
    });
    exitOnSignal(log, async () => {
      await app.close();
      await telemetry.shutdown();
    });
  } catch (error) {
    log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

void main();
