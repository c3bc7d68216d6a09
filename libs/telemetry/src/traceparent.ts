import { randomBytes } from 'node:crypto';
import { context, isSpanContextValid, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Context, Span, SpanContext, SpanKind } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';

/** The header that carries a trace from one process to the next (W3C Trace Context): HTTP, gRPC metadata and NATS alike. */
export const traceparentHeader = 'traceparent';

/**
 * Makes the OpenTelemetry API carry contexts over awaits and headers without the SDK, which is what costs memory.
 * Done once, on import; the SDK replaces both when it starts.
 */
export function carryTraces(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
}
carryTraces();

/** Reads a `traceparent` header; undefined when it is missing or malformed, which starts a new trace. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text ?? '');
  if (!match) return undefined;
  const parsed = { traceId: match[1]!, spanId: match[2]!, traceFlags: parseInt(match[3]!, 16) & 1 };
  return isSpanContextValid(parsed) ? { ...parsed, isRemote: true } : undefined;
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** The span that the calling code runs in, as the header to send along; undefined outside {@link withSpan}. */
export function currentTraceparent(): string | undefined {
  const active = trace.getSpanContext(context.active());
  return active && formatTraceparent(active);
}

export interface SpanOptions {
  name: string;
  /** The header that came with the request; default: the span that the caller runs in. */
  traceparent?: string | undefined;
  attributes?: Attributes;
  kind?: SpanKind;
}

/**
 * Runs `work` in a span. Without a started SDK nothing is recorded, but ids are still made and handed on,
 * so a trace that begins here is whole for the services that do record.
 */
export async function withSpan<T>(options: SpanOptions, work: (span: Span) => T | Promise<T>): Promise<T> {
  const remote = parseTraceparent(options.traceparent);
  const parent = remote ? trace.setSpanContext(context.active(), remote) : context.active();
  const span = startSpan(options, parent);
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await work(span);
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

function startSpan(options: SpanOptions, parent: Context): Span {
  const { name, attributes, kind } = options;
  const settings = { ...(attributes && { attributes }), ...(kind !== undefined && { kind }) };
  const span = trace.getTracer('l3af').startSpan(name, settings, parent);
  const above = trace.getSpanContext(parent);
  const made = span.spanContext();
  if (isSpanContextValid(made) && made.spanId !== above?.spanId) return span;
  // The API's no-op tracer hands the parent's context back, or an invalid one: then the ids are ours.
  return trace.wrapSpanContext({
    traceId: above?.traceId ?? randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    traceFlags: above?.traceFlags ?? 1,
  });
}
