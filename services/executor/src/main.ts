import { createLogger, exitOnSignal, maskSecrets } from '@l3af/telemetry';
import { startExecutor } from './executor';
import { readSettings } from './settings';

const log = createLogger('executor');
try {
  const settings = readSettings(process.env);
  log.info({ settings: maskSecrets({ ...settings }) }, 'executor starts');
  const executor = startExecutor(settings, log);
  // The chains stay in the kernel: a stopped executor disturbs no packet.
  exitOnSignal(log, () => executor.stop());
} catch (error) {
  log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
