import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { isSpanContextValid, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Span, SpanContext, SpanKind } from '@opentelemetry/api';

/** The header that carries a trace from one process to the next (W3C Trace Context): HTTP, gRPC metadata and NATS alike. */
export const traceparentHeader = 'traceparent';

const active = new AsyncLocalStorage<SpanContext>();

/** Reads a `traceparent` header; undefined when it is missing or malformed, which starts a new trace. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text ?? '');
  if (!match) return undefined;
  const context = { traceId: match[1]!, spanId: match[2]!, traceFlags: parseInt(match[3]!, 16) & 1 };
  return isSpanContextValid(context) ? { ...context, isRemote: true } : undefined;
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** The span that the calling code runs in, as the header to send along; undefined outside {@link withSpan}. */
export function currentTraceparent(): string | undefined {
  const context = active.getStore();
  return context && formatTraceparent(context);
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
  const parent = parseTraceparent(options.traceparent) ?? active.getStore();
  const span = trace.getTracer('l3af').startSpan(
    options.name,
    {
      ...(options.attributes && { attributes: options.attributes }),
      ...(options.kind !== undefined && { kind: options.kind }),
    },
    parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT,
  );
  return active.run(contextOf(span, parent), async () => {
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

// The API's no-op tracer hands the parent's context back, or an invalid one: then the ids are ours.
function contextOf(span: Span, parent: SpanContext | undefined): SpanContext {
  const made = span.spanContext();
  if (isSpanContextValid(made) && made.spanId !== parent?.spanId) return made;
  return {
    traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    traceFlags: parent?.traceFlags ?? 1,
  };
}
