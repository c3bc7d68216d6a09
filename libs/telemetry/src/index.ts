export type { Logger } from 'pino';
export { createLogger, maskSecrets } from './logger';
export {
  traceparentHeader,
  parseTraceparent,
  formatTraceparent,
  currentTraceparent,
  withSpan,
} from './traceparent';
export type { SpanOptions } from './traceparent';
export { prometheusText, processMetrics } from './prometheus';
export type { MetricFamily } from './prometheus';
export { startHealthServer } from './health';
export type { HealthOptions, HealthServer } from './health';
export { startTelemetry } from './telemetry';
export type { Telemetry } from './telemetry';
export { exitOnSignal } from './shutdown';
