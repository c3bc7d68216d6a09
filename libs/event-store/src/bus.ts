import type { JetStreamClient, JetStreamManager, NatsConnection, StoredMsg } from 'nats';
import { EventStore } from './event-store';
import { KeyValueBucket, type KeyValueOptions } from './key-value';
import type { Link, LinkStatus } from './link';
import { publishLive, subscribeLive, type LiveHandler, type Subscription } from './live';
import type { BusLog } from './log';
import { ObjectBucket } from './objects';
import { WorkQueue, type WorkHandler, type WorkQueueOptions } from './work-queue';

/** The client has direct gets, its type does not say so. */
export type StreamManager = JetStreamManager & {
  direct: {
    getMessage(stream: string, query: { last_by_subj: string } | { seq: number }): Promise<StoredMsg>;
  };
};

export interface BusParts {
  nc: NatsConnection;
  js: JetStreamClient;
  jsm: StreamManager;
  link: Link;
  log: BusLog;
}

/** One connection to NATS and all that L3AF does with it. Made by {@link connectBus}. */
export class Bus {
  readonly store: EventStore;
  /** The escape hatch: the client itself. */
  readonly nc: NatsConnection;
  readonly link: Link;
  readonly log: BusLog;
  private readonly objectBuckets = new Map<string, ObjectBucket>();
  private readonly keyValueBuckets = new Map<string, KeyValueBucket>();

  constructor(private readonly parts: BusParts) {
    this.nc = parts.nc;
    this.link = parts.link;
    this.log = parts.log;
    this.store = new EventStore(parts);
  }

  status(): LinkStatus {
    return this.link.status();
  }

  /** Called after every reconnect. Returns the way to stop it. */
  onReconnect(handler: () => void): () => void {
    return this.link.onReconnect(handler);
  }

  /** An object store bucket, created on its first use. */
  objects(bucket: string): ObjectBucket {
    let found = this.objectBuckets.get(bucket);
    if (!found) this.objectBuckets.set(bucket, (found = new ObjectBucket(this.parts, bucket)));
    return found;
  }

  /** A key-value bucket, created on its first use. Options count on the first call for a bucket. */
  keyValue(bucket: string, options: KeyValueOptions = {}): KeyValueBucket {
    let found = this.keyValueBuckets.get(bucket);
    if (!found) this.keyValueBuckets.set(bucket, (found = new KeyValueBucket(this.parts, bucket, options)));
    return found;
  }

  /** Publishes JSON that nobody stores. While NATS is away it is dropped: the next one will do. */
  publishLive(subject: string, json: unknown): void {
    publishLive(this.parts, subject, json);
  }

  /** Receives what is published on a subject (wildcards allowed), now and after every reconnect; what is missed is gone. */
  subscribeLive(subject: string, handler: LiveHandler): Subscription {
    return subscribeLive(this.parts, subject, handler);
  }

  /** Takes part in a shared queue of events: each goes to one worker, and to another when that one fails. */
  workQueue(options: WorkQueueOptions, handler: WorkHandler): WorkQueue {
    return new WorkQueue(this.parts, options, handler);
  }

  /** Lets what is under way finish, then closes the connection. */
  async close(): Promise<void> {
    if (this.nc.isClosed()) return;
    // Draining needs the server; without it there is nothing to wait for.
    if (this.status().connected) await this.nc.drain();
    else await this.nc.close();
  }
}
