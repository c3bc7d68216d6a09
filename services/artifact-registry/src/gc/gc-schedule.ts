import type { Logger } from '@l3af/telemetry';
import type { Registry } from '../registry';
import { collectGarbage } from './collect-garbage';

/** Collects garbage every so often until it is stopped. Several processes may do so at once. */
export function scheduleGarbage(
  registry: Registry,
  logger: Logger,
  { intervalMs, ageMsMin }: { intervalMs: number; ageMsMin: number },
): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const collect = async (): Promise<void> => {
    try {
      await registry.packages.settle();
      logger.info({ garbage: await collectGarbage(registry, { ageMsMin }) }, 'garbage collected');
    } catch (error) {
      logger.warn({ err: error }, 'cannot collect garbage now');
    }
  };
  const timer = setInterval(() => {
    running = running.then(collect);
  }, intervalMs);
  return {
    stop: () => {
      clearInterval(timer);
      return running;
    },
  };
}
