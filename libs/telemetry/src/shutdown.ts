import type { Logger } from 'pino';

/**
 * Closes the service and exits with 0 on the first SIGTERM or SIGINT, with 1 when closing fails.
 * A second signal exits at once: a person who presses Ctrl-C twice means it.
 */
export function exitOnSignal(logger: Logger, close: () => Promise<void>): void {
  let closing = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (closing) process.exit(130);
    closing = true;
    logger.info({ signal }, 'stopping');
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'cannot stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
