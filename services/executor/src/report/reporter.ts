import {
  buckets,
  type ChainKey,
  L3afError,
  type ReportEvent,
  reportSubject,
  toWireError,
} from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';
import { uuidv7 } from 'uuidv7';
import type { Outbox, PendingReport } from './outbox';
import type { Logger } from '../logger';

export interface Causation {
  correlationId?: string;
  causationId?: string;
}

/** Sends reports in order, each once, through outages of the bus and restarts of the executor. */
export class Reporter {
  private bus: Bus | undefined;
  private sending: Promise<void> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly node: string,
    private readonly outbox: Outbox,
    private readonly log: Logger,
  ) {}

  /** From now on there is a bus to send to; what waited goes first. */
  connect(bus: Bus): void {
    this.bus = bus;
    void this.flush();
  }

  /** Writes the report down and sends it as soon as the bus takes it. */
  report(key: ChainKey, event: ReportEvent, extra: Causation & { log?: string } = {}): void {
    const { correlationId, causationId, log } = extra;
    this.outbox.add({
      id: uuidv7(),
      subject: reportSubject(key),
      event,
      ...(correlationId !== undefined && { correlationId }),
      ...(causationId !== undefined && { causationId }),
      ...(log !== undefined && { log }),
    });
    void this.flush();
  }

  /** Resolves when everything that can be sent has been. */
  flush(): Promise<void> {
    this.sending ??= this.drain().finally(() => (this.sending = undefined));
    return this.sending;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retry);
    await this.sending;
  }

  private async drain(): Promise<void> {
    for (let next = this.outbox.oldest(); next && this.bus && !this.stopped; next = this.outbox.oldest()) {
      try {
        await this.send(this.bus, next.report);
        next.remove();
      } catch (error) {
        this.log.warn(
          { error: toWireError(error), subject: next.report.subject },
          'report waits for the bus',
        );
        if (error instanceof L3afError && error.code === 'invalid-request') next.remove();
        this.scheduleRetry();
        return;
      }
    }
  }

  private async send(bus: Bus, report: PendingReport): Promise<void> {
    const { id, subject, correlationId, causationId } = report;
    await bus.store.append({
      id,
      subject,
      events: [await withLog(bus, report)],
      actor: `executor/${this.node}`,
      ...(correlationId !== undefined && { correlationId }),
      ...(causationId !== undefined && { causationId }),
    });
  }

  private scheduleRetry(): void {
    if (this.stopped) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.flush(), 1000);
  }
}

async function withLog(bus: Bus, { event, log }: PendingReport): Promise<ReportEvent> {
  if (log === undefined || event.type !== 'ChainRejected') return event;
  const reference = await bus.objects(buckets.logs).put(Buffer.from(log, 'utf8'));
  return { ...event, data: { ...event.data, log: reference } };
}
