import type { Msg, MsgHdrs } from 'nats';
import type { BusParts } from './bus';
import { readStored, type StoredEnvelope } from './stored-envelope';
import { inTraceOf, traceHeaders, traceparentOf } from './trace';

/** Something that was started and can be stopped. */
export interface Subscription extends AsyncDisposable {
  stop(): Promise<void>;
}

/** A message that arrives once or not at all. */
export interface LiveMessage {
  subject: string;
  /** The JSON body. */
  data: unknown;
  traceparent?: string;
  /** Set for what the event stream republishes (`l3af.live.chain.…`): the stored decision, under its stored subject. */
  stored?: StoredEnvelope;
  /** With `stored`: the sequence of its subject's decision before; 0: it is the first. A gap is visible by it. */
  previousSequence?: number;
}

export type LiveHandler = (message: LiveMessage) => void | Promise<void>;

export function publishLive(parts: BusParts, subject: string, json: unknown): void {
  if (!parts.link.status().connected || parts.nc.isClosed() || parts.nc.isDraining()) return;
  parts.nc.publish(subject, JSON.stringify(json), { headers: traceHeaders() });
}

/** One handler at a time, in order. What cannot be read, and what the handler throws, is logged. */
export function subscribeLive(parts: BusParts, subject: string, handler: LiveHandler): Subscription {
  const subscription = parts.nc.subscribe(subject);
  const finished = (async () => {
    for await (const message of subscription) {
      try {
        const live = readLive(message);
        await inTraceOf(message.headers, () => handler(live));
      } catch (error) {
        parts.log.error({ subject: message.subject, err: error }, 'Cannot handle a live message');
      }
    }
  })();
  const stop = async (): Promise<void> => {
    subscription.unsubscribe();
    await finished;
  };
  return { stop, [Symbol.asyncDispose]: stop };
}

function readLive(message: Msg): LiveMessage {
  const { subject, headers, data } = message;
  const traceparent = traceparentOf(headers);
  const sequence = numberOf(headers, 'Nats-Sequence');
  const storedSubject = headers?.get('Nats-Subject');
  const republished = sequence !== undefined && storedSubject;
  return {
    subject,
    data: message.json(),
    ...(traceparent !== undefined && { traceparent }),
    ...(republished && {
      stored: readStored({ sequence, subject: storedSubject, data, headers }),
      previousSequence: numberOf(headers, 'Nats-Last-Sequence') ?? 0,
    }),
  };
}

function numberOf(headers: MsgHdrs | undefined, key: string): number | undefined {
  const text = headers?.get(key);
  return text ? Number(text) : undefined;
}
