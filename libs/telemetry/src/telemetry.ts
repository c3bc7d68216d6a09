import type { PrometheusExporter as Reader } from '@opentelemetry/exporter-prometheus';
import { carryTraces } from './traceparent';

export interface Telemetry extends AsyncDisposable {
  /** The instruments of this process in Prometheus text format. */
  metrics(): Promise<string>;
  shutdown(): Promise<void>;
}

/**
 * Starts the OpenTelemetry SDK, so that instruments of `@opentelemetry/api` count and spans of `withSpan`
 * are recorded. Metrics are read by {@link Telemetry.metrics}; traces are exported only when
 * `OTEL_EXPORTER_OTLP_ENDPOINT` (or the traces one) is set, with all the other `OTEL_*` variables in force.
 *
 * The SDK is loaded here and not on import: it costs 15 MiB (25 with traces), which a node should pay
 * only when asked to.
 */
export async function startTelemetry(service: string): Promise<Telemetry> {
  process.env['OTEL_SERVICE_NAME'] ??= service;
  const { PrometheusExporter, PrometheusSerializer } = await import('@opentelemetry/exporter-prometheus');
  const reader = new PrometheusExporter({ preventServerStart: true });
  const shutdown = wantsTraces(process.env) ? await startAll(reader) : await startMetrics(reader);
  const serializer = new PrometheusSerializer();
  const metrics = async (): Promise<string> => {
    const { resourceMetrics } = await reader.collect();
    return serializer.serialize(resourceMetrics);
  };
  return { metrics, shutdown, [Symbol.asyncDispose]: shutdown };
}

const wantsTraces = (env: NodeJS.ProcessEnv): boolean =>
  env['OTEL_SDK_DISABLED'] !== 'true' &&
  (env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) !== undefined;

async function startMetrics(reader: Reader): Promise<() => Promise<void>> {
  const { metrics } = await import('@opentelemetry/api');
  const { MeterProvider } = await import('@opentelemetry/sdk-metrics');
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  return async () => {
    metrics.disable();
    await provider.shutdown();
  };
}

async function startAll(reader: Reader): Promise<() => Promise<void>> {
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const { context, propagation } = await import('@opentelemetry/api');
  context.disable();
  propagation.disable();
  const sdk = new NodeSDK({ metricReaders: [reader], instrumentations: [] });
  sdk.start();
  return async () => {
    await sdk.shutdown();
    carryTraces();
  };
}
