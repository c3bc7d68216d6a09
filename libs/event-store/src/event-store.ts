import { setTimeout as delay } from 'node:timers/promises';
import { cannot, eventStream, L3afError, parseEvent, type Envelope, type L3afEvent } from '@l3af/contracts';
import type { PubAck } from 'nats';
import { uuidv7 } from 'uuidv7';
import type { BusParts } from './bus';
import { isNotFound } from './bus-errors';
import { orderedBatches, type SourceOptions } from './ordered-source';
import { withPatience } from './retry';
import { readStored, type RawStored, type StoredEnvelope } from './stored-envelope';
import { traceHeaders } from './trace';

export interface AppendRequest {
  subject: string;
  events: L3afEvent[];
  /** Who decided. */
  actor: string;
  /** The last sequence of the subject that the decision was made on; 0: the subject has none. Without it, any. */
  expectedSequence?: number;
  /** Of the decision; the same id on the same subject is stored once (within the duplicate window). Default: a new one. */
  id?: string;
  correlationId?: string;
  causationId?: string;
  traceparent?: string;
  /** How long to keep trying while NATS is away; default 5 s. */
  timeoutMs?: number;
}

export interface Appended {
  sequence: number;
  /** True when the same decision was stored before; nothing was stored now. */
  duplicate: boolean;
  envelope: Envelope;
}

export interface DecideRequest {
  subject: string;
  actor: string;
  correlationId?: string;
  causationId?: string;
  timeoutMs?: number;
}

export interface Decided {
  sequence: number;
  events: L3afEvent[];
  /** False when there was nothing to change, and nothing was stored. */
  changed: boolean;
}

export interface ReadOptions {
  subject?: string;
  fromSequence?: number;
  batchMax?: number;
  signal?: AbortSignal;
}

const allEvents = eventStream.subjects[0];
const decisionsMax = 8;
/** Room that headers take in a message. */
const headerBytes = 8 * 1024;

/**
 * The event stream. Requests made while NATS is away wait for it, `timeoutMs` at most, and then fail with
 * `bus-unavailable`. An append that fails so was either not stored or will be found under its id: `details.id`.
 */
export class EventStore {
  constructor(private readonly parts: BusParts) {}

  /** Stores one decision. Throws `conflict` when the subject is not at the expected sequence any more. */
  async append(request: AppendRequest): Promise<Appended> {
    const envelope = seal(request);
    const ack = await this.publish(request, envelope);
    if (!ack.duplicate) return { sequence: ack.seq, duplicate: false, envelope };
    return this.compare(request, envelope, ack);
  }

  /** The last decision of a subject, or undefined. */
  async last(subject: string): Promise<StoredEnvelope | undefined> {
    const raw = await this.direct(subject, { last_by_subj: subject });
    return raw && readStored(raw);
  }

  /** The decision at a sequence, or undefined. */
  async at(sequence: number): Promise<StoredEnvelope | undefined> {
    const raw = await this.direct(String(sequence), { seq: sequence });
    return raw && readStored(raw);
  }

  /** The sequence of the newest event of all; 0 when there is none. */
  async lastSequence(): Promise<number> {
    const doing = { verb: 'look at', noun: 'stream', value: eventStream.name };
    const info = await withPatience(this.parts.link, doing, () =>
      this.parts.jsm.streams.info(eventStream.name),
    );
    return info.state.last_seq;
  }

  /** Everything from a sequence up to what is stored now. */
  async *read(options: ReadOptions = {}): AsyncGenerator<StoredEnvelope> {
    const untilSequence = await this.lastSequence();
    const from = options.fromSequence ?? 1;
    if (from > untilSequence) return;
    for await (const batch of this.raw({ ...options, untilSequence }))
      for (const raw of batch) yield readStored(raw);
  }

  /** Everything from a sequence, for ever, until the signal; outages are waited out. */
  async *follow(options: ReadOptions = {}): AsyncGenerator<StoredEnvelope> {
    for await (const batch of this.raw(options)) for (const raw of batch) yield readStored(raw);
  }

  /** Like {@link follow}, in batches of what has arrived and unread, for projections. */
  batches(options: ReadOptions = {}): AsyncGenerator<RawStored[]> {
    return this.raw(options);
  }

  /**
   * Loads the last decision of the subject, lets `decide` make the next one, and stores it if nobody was faster;
   * else again, a bounded number of times. No events: nothing is stored.
   */
  async decide(
    request: DecideRequest,
    decide: (last: StoredEnvelope | undefined) => L3afEvent[] | Promise<L3afEvent[]>,
  ): Promise<Decided> {
    for (let attempt = 1; ; attempt++) {
      const last = await this.last(request.subject);
      const events = await decide(last);
      const expectedSequence = last?.sequence ?? 0;
      if (events.length === 0) return { sequence: expectedSequence, events, changed: false };
      try {
        const { sequence } = await this.append({ ...request, events, expectedSequence });
        return { sequence, events, changed: true };
      } catch (error) {
        const conflict = error instanceof L3afError && error.code === 'conflict';
        if (!conflict || attempt >= decisionsMax) throw error;
        await delay(Math.random() * 20 * attempt);
      }
    }
  }

  private async publish(request: AppendRequest, envelope: Envelope): Promise<PubAck> {
    const { nc, js, link } = this.parts;
    const payload = new TextEncoder().encode(JSON.stringify(envelope));
    const most = (nc.info?.max_payload ?? 1024 * 1024) - headerBytes;
    if (payload.length > most) {
      const state = `the decision has ${payload.length} bytes, needs ${most} or fewer`;
      throw new L3afError('payload-too-large', cannot('append to', 'subject', request.subject, state));
    }
    const doing = {
      verb: 'append to',
      noun: 'subject',
      value: request.subject,
      timeoutMs: request.timeoutMs,
    };
    try {
      // Repeating is safe: the stream knows the message id and answers with the sequence of the first.
      return await withPatience(link, doing, (timeout) =>
        js.publish(request.subject, payload, {
          msgID: `${envelope.id}:${request.subject}`,
          headers: traceHeaders(request.traceparent),
          timeout,
          expect: {
            streamName: eventStream.name,
            ...(request.expectedSequence !== undefined && { lastSubjectSequence: request.expectedSequence }),
          },
        }),
      );
    } catch (error) {
      if (error instanceof L3afError) error.details['id'] = envelope.id;
      throw error;
    }
  }

  /** The stream says that it has this message id: true only if it is the same decision of the same subject. */
  private async compare(request: AppendRequest, envelope: Envelope, ack: PubAck): Promise<Appended> {
    const stored = await this.at(ack.seq);
    const same =
      stored?.subject === request.subject &&
      stored.envelope.id === envelope.id &&
      JSON.stringify(stored.envelope.events) === JSON.stringify(envelope.events);
    if (same) return { sequence: ack.seq, duplicate: true, envelope: stored.envelope };
    const state = `its id "${envelope.id}" belongs to another decision, at sequence ${ack.seq}`;
    throw new L3afError('conflict', cannot('append to', 'subject', request.subject, state), {
      details: { sequence: ack.seq, id: envelope.id },
    });
  }

  private async direct(
    value: string,
    query: { last_by_subj: string } | { seq: number },
  ): Promise<RawStored | undefined> {
    const doing = { verb: 'read', noun: 'event', value };
    return withPatience(this.parts.link, doing, async () => {
      try {
        const message = await this.parts.jsm.direct.getMessage(eventStream.name, query);
        return {
          sequence: message.seq,
          subject: message.subject,
          data: message.data,
          headers: message.header,
        };
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    });
  }

  private raw(options: ReadOptions & Pick<SourceOptions, 'untilSequence'>): AsyncGenerator<RawStored[]> {
    const { subject = allEvents, fromSequence = 1, ...rest } = options;
    return orderedBatches(this.parts, { ...rest, subject, fromSequence });
  }
}

/** Makes the envelope of a decision; what nobody could read back is refused here and never stored. */
function seal(request: AppendRequest): Envelope {
  if (request.events.length === 0) {
    throw new L3afError(
      'internal',
      cannot('append to', 'subject', request.subject, 'the decision has no events'),
    );
  }
  const id = request.id ?? uuidv7();
  return {
    id,
    streamId: request.subject.replace(/^l3af\.evt\./, ''),
    at: new Date().toISOString(),
    actor: request.actor,
    correlationId: request.correlationId ?? id,
    causationId: request.causationId ?? request.correlationId ?? id,
    events: request.events.map((event) => parseEvent(event)),
  };
}
