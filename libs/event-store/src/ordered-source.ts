import { setTimeout as delay } from 'node:timers/promises';
import { eventStream } from '@l3af/contracts';
import { AckPolicy, DeliverPolicy, nanos, type Consumer, type ConsumerMessages, type JsMsg } from 'nats';
import { busError, isNotFound, isTransient } from './bus-errors';
import type { BusParts } from './bus';
import type { RawStored } from './stored-envelope';

export interface SourceOptions {
  /** One subject, wildcards allowed. */
  subject: string;
  fromSequence: number;
  /** Most messages of one batch. */
  batchMax?: number;
  signal?: AbortSignal;
  /** Stop after the messages up to this sequence; without it, go on for ever. */
  untilSequence?: number;
  /** With `untilSequence`: how long an outage may last before the read fails. */
  timeoutMs?: number;
}

type Position = { next: number };

/**
 * Reads the event stream in order and without gaps through short-lived consumers of its own, each made again from
 * the next sequence after an outage or a gap. Batches are what has arrived, at most `batchMax`; nothing is fetched
 * ahead of a reader that is slow.
 */
export async function* orderedBatches(parts: BusParts, options: SourceOptions): AsyncGenerator<RawStored[]> {
  const position: Position = { next: Math.max(1, options.fromSequence) };
  while (!options.signal?.aborted) {
    try {
      const session = await connectedSession(parts, options);
      yield* oneConsumer(parts, { ...options, session }, position);
      if (isPast(position, options)) return;
    } catch (error) {
      if (options.signal?.aborted) return;
      if (!goesOnAfter(error, parts, options)) {
        throw busError(error, { verb: 'read', noun: 'events', value: options.subject });
      }
      await delay(100);
    }
  }
}

/** Waits for a connection: a bounded read gives up after its time, one that follows waits for ever. */
function connectedSession(
  parts: BusParts,
  { signal, untilSequence, timeoutMs = 30_000 }: SourceOptions,
): Promise<AbortSignal> {
  return parts.link.connected({
    ...(untilSequence !== undefined && { deadline: Date.now() + timeoutMs }),
    ...(signal && { signal }),
  });
}

const isPast = ({ next }: Position, { untilSequence }: SourceOptions): boolean =>
  untilSequence !== undefined && next > untilSequence;

/** Whether a new consumer may mend it. A bounded read fails with the connection, one that follows outlives it. */
function goesOnAfter(error: unknown, parts: BusParts, { untilSequence }: SourceOptions): boolean {
  if (!isTransient(error) && !isNotFound(error)) return false;
  return untilSequence === undefined || parts.link.status().connected;
}

async function* oneConsumer(
  parts: BusParts,
  options: SourceOptions & { session: AbortSignal },
  position: Position,
): AsyncGenerator<RawStored[]> {
  const info = await parts.jsm.consumers.add(eventStream.name, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: position.next,
    filter_subject: options.subject,
    inactive_threshold: nanos(60_000),
    mem_storage: true,
    num_replicas: 1,
  });
  const until = options.untilSequence;
  try {
    if (until !== undefined && info.num_pending === 0) return void (position.next = until + 1);
    const consumer = await parts.js.consumers.get(eventStream.name, info.name);
    yield* fetchBatches(consumer, options, position);
  } finally {
    if (parts.link.status().connected) {
      void parts.jsm.consumers.delete(eventStream.name, info.name).catch(() => undefined);
    }
  }
}

async function* fetchBatches(
  consumer: Consumer,
  options: SourceOptions & { session: AbortSignal },
  position: Position,
): AsyncGenerator<RawStored[]> {
  const { session, signal, batchMax = 512 } = options;
  const ended = signal ? AbortSignal.any([session, signal]) : session;
  const expected = { delivery: 1 };
  while (!ended.aborted) {
    const messages = await consumer.fetch({ max_messages: batchMax, expires: 30_000 });
    const stop = (): void => messages.stop();
    ended.addEventListener('abort', stop);
    if (ended.aborted) stop();
    try {
      for await (const batch of arrived(messages)) {
        const result = accept(batch, expected, options.untilSequence);
        if (result.accepted.length > 0) {
          position.next = result.accepted.at(-1)!.sequence + 1;
          yield result.accepted;
        }
        if (result.end) return void (position.next = options.untilSequence! + 1);
        if (result.gap) return;
      }
    } finally {
      ended.removeEventListener('abort', stop);
      stop();
    }
  }
}

/** Groups what the client has already received, so that a reader pays per batch and not per message. */
async function* arrived(messages: ConsumerMessages): AsyncGenerator<JsMsg[]> {
  let batch: JsMsg[] = [];
  for await (const message of messages) {
    batch.push(message);
    if (messages.getPending() > 1) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function accept(
  batch: JsMsg[],
  expected: { delivery: number },
  untilSequence: number | undefined,
): { accepted: RawStored[]; gap: boolean; end: boolean } {
  const accepted: RawStored[] = [];
  for (const message of batch) {
    const { deliverySequence, streamSequence, pending } = message.info;
    if (deliverySequence !== expected.delivery) return { accepted, gap: true, end: false };
    expected.delivery++;
    const past = untilSequence !== undefined && streamSequence > untilSequence;
    if (!past) {
      accepted.push({
        sequence: streamSequence,
        subject: message.subject,
        data: message.data,
        headers: message.headers,
      });
    }
    const last = untilSequence !== undefined && (streamSequence >= untilSequence || pending === 0);
    if (past || last) return { accepted, gap: false, end: true };
  }
  return { accepted, gap: false, end: false };
}
