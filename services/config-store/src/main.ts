import 'reflect-metadata';
import { createLogger, exitOnSignal, maskSecrets, startHealthServer } from '@l3af/telemetry';
import { startConfigStore, type ConfigStore } from './config-store';
import { readSettings } from './settings';

async function main(): Promise<void> {
  const logger = createLogger('config-store');
  const stopping = new AbortController();
  let store: ConfigStore | undefined;
  try {
    const settings = readSettings(process.env);
    logger.info(maskSecrets(settings), 'settings');
    const port = settings.L3AF_METRICS_PORT;
    const health =
      port === undefined
        ? undefined
        : await startHealthServer({ port, ready: () => store?.ready() ?? false });
    exitOnSignal(logger, async () => {
      stopping.abort();
      await store?.close();
      await health?.close();
    });
    store = await startConfigStore(settings, logger, stopping.signal);
    logger.info('answering queries');
  } catch (error) {
    if (stopping.signal.aborted) return;
    logger.fatal({ err: error }, 'config-store cannot start');
    process.exit(1);
  }
}

void main();
