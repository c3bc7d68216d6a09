import { anyNodeStatusSubject, nodeStatusSchema, type NodeStatus } from '@l3af/contracts';
import { Bus, type Subscription } from '@l3af/event-store';
import type { Logger } from '@l3af/telemetry';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { jsonRows } from '../database/json-rows';

export interface Heartbeat {
  lastSeenAt: Date;
  rssBytes: number;
}

/** How often what was heard is written down, for the other replicas and the next start. */
const flushMs = 2_000;

/** Hears the nodes' heartbeats. Times are those of arrival here: a node's clock may be wrong. */
@Injectable()
export class Heartbeats implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly heard = new Map<string, Heartbeat>();
  private readonly unwritten = new Set<string>();
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly dataSource: DataSource,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.subscription = this.bus.subscribeLive(anyNodeStatusSubject, ({ data }) => {
      const status = nodeStatusSchema.safeParse(data);
      if (status.success) this.hear(status.data);
    });
    this.timer = setInterval(() => {
      this.writing ??= this.write().finally(() => (this.writing = undefined));
    }, flushMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.subscription?.stop();
    await this.writing;
  }

  /** The last sign of life, by node: from here, or written by another replica. */
  async all(): Promise<Map<string, Heartbeat>> {
    const rows = await this.dataSource.query<(Heartbeat & { name: string })[]>(
      'select name, last_seen_at as "lastSeenAt", rss_bytes as "rssBytes" from node_heartbeat',
    );
    const latest = new Map(this.heard);
    for (const { name, ...heartbeat } of rows) {
      const own = latest.get(name);
      if (!own || own.lastSeenAt < heartbeat.lastSeenAt) latest.set(name, heartbeat);
    }
    return latest;
  }

  private hear({ node, rssBytes }: NodeStatus): void {
    this.heard.set(node, { lastSeenAt: new Date(), rssBytes });
    this.unwritten.add(node);
  }

  private async write(): Promise<void> {
    const names = [...this.unwritten];
    if (names.length === 0) return;
    this.unwritten.clear();
    const rows = names.map((name) => {
      const { lastSeenAt, rssBytes } = this.heard.get(name)!;
      return { name, last_seen_at: lastSeenAt.toISOString(), rss_bytes: rssBytes };
    });
    try {
      await this.dataSource.query(
        `insert into node_heartbeat as kept (name, last_seen_at, rss_bytes)
         select * from jsonb_to_recordset($1::jsonb) as new(name text, last_seen_at timestamptz, rss_bytes float8)
         order by name
         on conflict (name) do update set last_seen_at = excluded.last_seen_at, rss_bytes = excluded.rss_bytes
         where kept.last_seen_at < excluded.last_seen_at`,
        [jsonRows(rows)],
      );
    } catch (error) {
      // They are heard again within seconds; what is in memory still answers queries.
      this.logger.debug({ err: error }, 'Cannot write heartbeats');
    }
  }
}
