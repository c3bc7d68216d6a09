import {
  buildRequestSubject,
  cannot,
  encodeToken,
  L3afError,
  reportSubject,
  type ChainKey,
  type L3afEvent,
} from '@l3af/contracts';
import type { Bus, StoredEnvelope } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { BusConnection } from '../bus/bus-connection';
import { BuildProgressLog } from './build-progress';
import type { StreamEvent } from './event-stream';
import { mergeWithLive } from './live-queue';

export interface FollowOptions {
  /** Subjects as NATS names them; `*` and `>` stand for anything. */
  subject: string;
  fromSequence: number;
  /** False: end with what is stored now. */
  follow: boolean;
  signal: AbortSignal;
}

/** Reads the event stream for people who watch. */
@Injectable()
export class EventQueries {
  constructor(
    private readonly connection: BusConnection,
    private readonly progress: BuildProgressLog,
  ) {}

  /** Stored decisions from a sequence on. */
  async *follow({ follow, ...options }: FollowOptions): AsyncGenerator<StreamEvent> {
    const { store } = this.connection.get();
    for await (const stored of follow ? store.follow(options) : store.read(options)) {
      yield streamEvent(stored);
    }
  }

  /** What a node reports of a chain, until it has said what became of the revision or of a later one. */
  async *watchChain(
    key: ChainKey,
    options: { revision: number; fromSequence: number; signal: AbortSignal },
  ): AsyncGenerator<StreamEvent> {
    const { store } = this.connection.get();
    const { revision, ...rest } = options;
    for await (const stored of store.follow({ ...rest, subject: reportSubject(key) })) {
      yield streamEvent(stored);
      if (settles(stored, revision)) return;
    }
  }

  /** Whether the watch of a revision is over with this event. */
  async isSettled(sequence: number, revision: number): Promise<boolean> {
    const stored = await this.connection.get().store.at(sequence);
    return stored !== undefined && settles(stored, revision);
  }

  /** A build's stored events and the lines of its progress, those so far and then as they come, until it is over. */
  async *watchBuild(id: string, signal: AbortSignal): AsyncGenerator<StreamEvent> {
    const bus = this.connection.get();
    const request = await bus.store.last(buildRequestSubject(id));
    if (!request) throw new L3afError('unknown-build', cannot('watch', 'build', id, 'there is none'));
    if (request.events.some(({ type }) => type === 'BuildCancelled')) {
      yield streamEvent(request);
      return;
    }
    yield* this.buildEvents(bus, { id, fromSequence: request.sequence, signal });
  }

  private async *buildEvents(
    bus: Bus,
    { id, fromSequence, signal }: { id: string; fromSequence: number; signal: AbortSignal },
  ): AsyncGenerator<StreamEvent> {
    const over = new AbortController();
    // Both subjects of the build: what builders say of it, and a cancellation.
    const stored = mergeWithLive(bus, {
      subject: `l3af.evt.*.${encodeToken(id)}`,
      listen: (hear) => this.progress.listen(id, hear),
      fromSequence: fromSequence + 1,
      signal: AbortSignal.any([signal, over.signal]),
    });
    try {
      for await (const item of stored) {
        if (item.kind === 'live') yield { event: 'BuildProgress', data: item.data };
        else {
          yield streamEvent(item.stored);
          if (item.stored.events.some(endsBuild)) return;
        }
      }
    } finally {
      over.abort();
    }
  }
}

const streamEvent = ({ sequence, subject, envelope }: StoredEnvelope): StreamEvent => ({
  id: sequence,
  event: envelope.events[0]?.type ?? 'message',
  data: { sequence, subject, envelope },
});

const endsBuild = ({ type }: L3afEvent): boolean =>
  type === 'BuildSucceeded' || type === 'BuildFailed' || type === 'BuildCancelled';

function settles(stored: StoredEnvelope, revision: number): boolean {
  return stored.events.some((event) => {
    switch (event.type) {
      case 'ChainApplied':
      case 'ChainRejected':
      case 'ChainRolledBack':
      case 'ChainDetached':
        return event.data.revision >= revision;
      default:
        return false;
    }
  });
}
