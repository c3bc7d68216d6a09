import { createLogger, exitOnSignal, maskSecrets, startHealthServer } from '@l3af/telemetry';
import { readSettings } from './settings';
import { startRegistry } from './start-registry';
import { collectAtOnce } from './young-garbage';

async function main(): Promise<void> {
  const logger = createLogger('artifact-registry');
  const settings = readSettings(process.env);
  logger.info(maskSecrets(settings), 'settings');
  const registry = await startRegistry(settings, logger);
  const metricsPort = settings.L3AF_METRICS_PORT;
  const isReady = async (): Promise<boolean> => {
    await registry.access.get().state.check();
    return true;
  };
  const health =
    metricsPort === undefined ? undefined : await startHealthServer({ port: metricsPort, ready: isReady });
  let isStopping = false;
  exitOnSignal(logger, async () => {
    isStopping = true;
    await health?.close();
    await registry.close();
  });
  logger.info({ port: registry.port }, 'listening');
  try {
    const opened = await registry.ready;
    logger.info('ready');
    await opened.packages.settle();
  } catch (error) {
    // Stopped while it waited for NATS, which is no failure.
    if (!isStopping) throw error;
  }
}

collectAtOnce();
main().catch((error: unknown) => {
  createLogger('artifact-registry').fatal({ err: error }, 'cannot start');
  process.exit(1);
});
