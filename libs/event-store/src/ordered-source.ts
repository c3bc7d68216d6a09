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
  const bounded = options.untilSequence !== undefined;
  while (!options.signal?.aborted) {
    const deadline = bounded ? Date.now() + (options.timeoutMs ?? 30_000) : undefined;
    try {
      const session = await parts.link.connected({
        ...(deadline !== undefined && { deadline }),
        ...(options.signal && { signal: options.signal }),
      });
      yield* oneConsumer(parts, { ...options, session }, position);
      if (bounded && position.next > options.untilSequence!) return;
    } catch (error) {
      if (options.signal?.aborted) return;
      const passing = isTransient(error) || isNotFound(error);
      if (!passing || (bounded && !parts.link.status().connected)) {
        throw busError(error, { verb: 'read', noun: 'events', value: options.subject });
      }
      await delay(100);
    }
  }
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
  const batchMax = options.batchMax ?? 512;
  const expected = { delivery: 1 };
  while (!options.session.aborted && !options.signal?.aborted) {
    const messages = await consumer.fetch({ max_messages: batchMax, expires: 30_000 });
    const stop = (): void => messages.stop();
    options.session.addEventListener('abort', stop);
    options.signal?.addEventListener('abort', stop);
    if (options.session.aborted || options.signal?.aborted) stop();
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
      options.session.removeEventListener('abort', stop);
      options.signal?.removeEventListener('abort', stop);
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
