import { setTimeout as delay } from 'node:timers/promises';
import { eventStream } from '@l3af/contracts';
import { AckPolicy, DeliverPolicy, nanos, type Consumer, type JsMsg } from 'nats';
import type { BusParts } from './bus';
import { isNotFound, isTransient } from './bus-errors';
import type { Subscription } from './live';
import { readStored, type StoredEnvelope } from './stored-envelope';
import { inTraceOf } from './trace';

export interface WorkQueueOptions {
  /** As in contracts: `buildConsumer`. */
  consumer: { durable: string; filterSubject: string; ackWaitMs: number; deliveriesMax: number };
  /** How many at once in this process; default 1. */
  concurrency?: number;
  /** Before work that failed is given out again; default 2 s. */
  retryDelayMs?: number;
}

/** What becomes of the work: `done`; `again` (another worker, later); `refuse` (never again). */
export type WorkOutcome = 'done' | 'again' | 'refuse';

export interface Work {
  stored: StoredEnvelope;
  /** 1 for the first time. */
  delivery: number;
  /** True when nobody will get it again after this. */
  lastDelivery: boolean;
  /** Aborted when this worker stops, or when it lost touch with the queue for so long that another may have begun. */
  signal: AbortSignal;
}

/** While it runs, the queue is told that the work goes on. Throwing means `again`. */
export type WorkHandler = (work: Work) => Promise<WorkOutcome | void>;

/** One worker of a durable queue: started when made, ends by {@link stop}. */
export class WorkQueue implements Subscription {
  private readonly stopping = new AbortController();
  private readonly finished: Promise<unknown>;

  constructor(
    private readonly parts: BusParts,
    private readonly options: WorkQueueOptions,
    private readonly handler: WorkHandler,
  ) {
    const lanes = Array.from({ length: options.concurrency ?? 1 }, () => this.lane());
    this.finished = Promise.all(lanes);
  }

  /** Takes no more work, tells the running handlers, and waits for them; what they leave goes to another worker. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.finished;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async lane(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted && !this.parts.nc.isClosed()) {
      try {
        const session = await this.parts.link.connected({ signal });
        await this.takeWhile(session, await this.consumer());
      } catch (error) {
        if (signal.aborted) return;
        if (!isTransient(error) && !isNotFound(error)) {
          this.parts.log.error({ queue: this.options.consumer.durable, err: error }, 'Cannot take work');
        }
        await delay(250, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async takeWhile(session: AbortSignal, consumer: Consumer): Promise<void> {
    const { signal } = this.stopping;
    while (!session.aborted && !signal.aborted) {
      const messages = await consumer.fetch({ max_messages: 1, expires: 10_000 });
      const stop = (): void => messages.stop();
      for (const end of [session, signal]) end.addEventListener('abort', stop);
      if (session.aborted || signal.aborted) stop();
      try {
        for await (const message of messages) await this.work(message);
      } finally {
        for (const end of [session, signal]) end.removeEventListener('abort', stop);
        stop();
      }
    }
  }

  private async work(message: JsMsg): Promise<void> {
    const lost = new AbortController();
    const heartbeat = this.keepAlive(message, lost);
    try {
      const stored = readWork(message);
      const signal = AbortSignal.any([this.stopping.signal, lost.signal]);
      const delivery = message.info.redeliveryCount;
      const lastDelivery = delivery >= this.options.consumer.deliveriesMax;
      const run = (): Promise<WorkOutcome | void> => this.handler({ stored, delivery, lastDelivery, signal });
      const outcome = await inTraceOf(message.headers, run);
      if (!lost.signal.aborted) await this.settle(message, outcome ?? 'done');
    } catch (error) {
      this.parts.log.error({ subject: message.subject, sequence: message.seq, err: error }, 'Work failed');
      await this.giveBack(message);
    } finally {
      clearInterval(heartbeat);
    }
  }

  /**
   * For another worker: at once when this one stops. nats-server 2.9 gives a message that comes back to a pull that nobody waits
   * for any more, and then to nobody until the wait is over; asked about the consumer, it forgets such pulls.
   */
  private async giveBack(message: JsMsg): Promise<void> {
    const { durable } = this.options.consumer;
    if (!this.stopping.signal.aborted) return message.nak(this.options.retryDelayMs ?? 2_000);
    await this.parts.jsm.consumers.info(eventStream.name, durable).catch(() => undefined);
    message.nak(0);
  }

  /** Says "still working" every third of the wait; after a whole wait without a connection the work is lost. */
  private keepAlive(message: JsMsg, lost: AbortController): NodeJS.Timeout {
    const { ackWaitMs } = this.options.consumer;
    let heard = Date.now();
    const timer = setInterval(() => {
      if (this.parts.link.status().connected) {
        message.working();
        heard = Date.now();
      } else if (Date.now() - heard > ackWaitMs) lost.abort();
    }, ackWaitMs / 3);
    return timer.unref();
  }

  private async settle(message: JsMsg, outcome: WorkOutcome): Promise<void> {
    if (outcome === 'again') await this.giveBack(message);
    else if (outcome === 'refuse') message.term();
    else await message.ackAck({ timeout: this.options.consumer.ackWaitMs });
  }

  /** Made when it is not there. One that is, is left alone: nats-server 2.9 forgets about deliveries when it is told the same again. */
  private async consumer(): Promise<Consumer> {
    const { jsm, js } = this.parts;
    const { durable } = this.options.consumer;
    const wanted = this.wanted();
    const known = await jsm.consumers.info(eventStream.name, durable).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    const isAsWanted = Object.entries(wanted).every(
      ([key, value]) => known?.config[key as keyof typeof wanted] === value,
    );
    if (!isAsWanted) await jsm.consumers.add(eventStream.name, wanted);
    return js.consumers.get(eventStream.name, durable);
  }

  private wanted() {
    const { durable, filterSubject, ackWaitMs, deliveriesMax } = this.options.consumer;
    return {
      durable_name: durable,
      filter_subject: filterSubject,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(ackWaitMs),
      max_deliver: deliveriesMax,
      max_ack_pending: 1_000,
    };
  }
}

function readWork(message: JsMsg): StoredEnvelope {
  const { subject, data, headers } = message;
  return readStored({ sequence: message.info.streamSequence, subject, data, headers });
}
