import { context, propagation, ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import { headers, type MsgHdrs } from 'nats';

/** Message headers that carry the trace of now, or the one given. */
export function traceHeaders(traceparent?: string): MsgHdrs {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  if (traceparent !== undefined) carrier['traceparent'] = traceparent;
  const result = headers();
  for (const [key, value] of Object.entries(carrier)) result.set(key, value);
  return result;
}

export const traceparentOf = (from: MsgHdrs | undefined): string | undefined =>
  from?.get('traceparent') || undefined;

/** Runs the handler inside the trace that a message carries. */
export function inTraceOf<T>(from: MsgHdrs | undefined, handler: () => T): T {
  return context.with(contextOf(traceparentOf(from)), handler);
}

export function contextOf(traceparent: string | undefined): Context {
  return traceparent === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, { traceparent });
}
