import type { Metadata } from '@grpc/grpc-js';
import { hookSchema, L3afError, type ChainKey } from '@l3af/contracts';
import { traceparentHeader, withSpan } from '@l3af/telemetry';
import { Observable } from 'rxjs';
import type { z } from 'zod';
import type { StreamEvent } from '../event/event-stream';
import { readContext, type RequestContext } from '../request-context';
import { toStruct } from './values';

const headerOf =
  (metadata: Metadata) =>
  (name: string): string | undefined =>
    metadata.get(name)[0]?.toString();

/** Runs a call inside its caller's trace, with who asks. */
export function inCall<T>(
  metadata: Metadata,
  name: string,
  work: (context: RequestContext) => T | Promise<T>,
): Promise<T> {
  const header = headerOf(metadata);
  return withSpan({ name, traceparent: header(traceparentHeader) }, () => work(readContext(header)));
}

/** The fields of a request, checked by the schema that checks them in REST. */
export function readFields<T extends z.ZodType>(fields: unknown, schema: T): z.output<T> {
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  throw new L3afError('invalid-request', `Cannot accept the request: ${issues}`);
}

export type KeyMessage = { node?: string; interface?: string; hook?: string } | null | undefined;

export function keyOf(key: KeyMessage): ChainKey {
  const hook = hookSchema.safeParse(key?.hook);
  if (!hook.success) {
    throw new L3afError(
      'unknown-hook',
      `Cannot use hook "${key?.hook ?? ''}": needs xdp, tc-ingress or tc-egress`,
    );
  }
  return { node: key?.node ?? '', interface: key?.interface ?? '', hook: hook.data };
}

/** A stream of stored events as a call answers it. */
export const eventsOf = (
  stopped: AbortSignal,
  events: (signal: AbortSignal) => AsyncIterable<StreamEvent> | Promise<AsyncIterable<StreamEvent>>,
): Observable<object> => streamOf(stopped, events, messageOf);

/** A stream as a call answers it; it ends with the caller, or when the service stops. */
export function streamOf<T>(
  stopped: AbortSignal,
  events: (signal: AbortSignal) => AsyncIterable<T> | Promise<AsyncIterable<T>>,
  messageFrom: (event: T) => object,
): Observable<object> {
  return new Observable((subscriber) => {
    const gone = new AbortController();
    const signal = AbortSignal.any([gone.signal, stopped]);
    const run = async (): Promise<void> => {
      for await (const event of await events(signal)) {
        if (signal.aborted) return;
        subscriber.next(messageFrom(event));
      }
    };
    run().then(
      () => subscriber.complete(),
      (error: unknown) => (signal.aborted ? subscriber.complete() : subscriber.error(error)),
    );
    return () => gone.abort();
  });
}

function messageOf({ id, event, data }: StreamEvent): object {
  const stored = data as { subject?: string; envelope?: object };
  return {
    ...(id !== undefined && { sequence: id }),
    type: event,
    ...(stored.subject !== undefined && { subject: stored.subject }),
    data: toStruct(stored.envelope ?? (data as object)),
  };
}
