import 'reflect-metadata';
import { createLogger, exitOnSignal, maskSecrets, startHealthServer, startTelemetry } from '@l3af/telemetry';
import { readSettings } from './settings';
import { startApi } from './start';

async function main(): Promise<void> {
  const logger = createLogger('deploy-api');
  try {
    const settings = readSettings(process.env);
    logger.info({ settings: maskSecrets(settings) }, 'starting');
    const telemetry = await startTelemetry('deploy-api');
    const api = await startApi(settings, logger);
    const health =
      settings.L3AF_METRICS_PORT === undefined
        ? undefined
        : await startHealthServer({
            port: settings.L3AF_METRICS_PORT,
            ready: async () => (await api.connection.problems()).length === 0,
            metrics: () => telemetry.metrics(),
          });
    exitOnSignal(logger, async () => {
      await api.close();
      await health?.close();
      await telemetry.shutdown();
    });
    logger.info({ url: api.url }, 'serving');
  } catch (error) {
    logger.fatal({ err: error }, 'cannot start');
    process.exit(1);
  }
}

void main();
