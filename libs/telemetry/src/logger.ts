import pino from 'pino';
import type { Logger } from 'pino';
import { currentTraceparent, parseTraceparent } from './traceparent';

/**
 * A JSON logger that writes to stderr, so that stdout stays free for what a program says.
 * The level comes from `L3AF_LOG_LEVEL` (default: info). Lines inside a span carry its `traceId`.
 * Errors go under `err`, with their causes: `logger.error({ err: error }, 'cannot …')`.
 */
export function createLogger(service: string, level = process.env['L3AF_LOG_LEVEL'] ?? 'info'): Logger {
  return pino(
    {
      level: level in pino.levels.values || level === 'silent' ? level : 'info',
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const traceparent = currentTraceparent();
        return traceparent === undefined ? {} : { traceId: parseTraceparent(traceparent)?.traceId };
      },
    },
    // Written at once: the last line before a crash is the one that matters.
    pino.destination({ dest: 2, sync: true }),
  );
}

/** Copies settings for printing: passwords inside URLs and values of secret-looking names become `***`. */
export function maskSecrets(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, mask(name, value)] as const),
  );
}

function mask(name: string, value: unknown): unknown {
  if (value === undefined || value === '') return value;
  if (/password|secret|token|credential/i.test(name)) return '***';
  return typeof value === 'string' ? value.replace(/(\w+:\/\/[^/@:\s]*):[^@/\s]+@/g, '$1:***@') : value;
}
