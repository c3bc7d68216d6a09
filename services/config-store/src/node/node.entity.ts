import type { NodeFacts } from '@l3af/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A node: what its executor said of it, and the labels that people gave it. */
@Entity('node')
export class NodeRow {
  @PrimaryColumn('text') name!: string;
  /** Null until the node registers; labels may come first. */
  @Column('text', { name: 'registered_at', nullable: true }) registeredAt!: string | null;
  @Column('jsonb', { nullable: true }) facts!: NodeFacts | null;
  /** Set by people; they win over the node's own. */
  @Column('jsonb') labels!: Record<string, string>;
}

/** When a node was last heard. Volatile: written from heartbeats, not a projection, and of no use after some seconds. */
@Entity('node_heartbeat')
export class NodeHeartbeatRow {
  @PrimaryColumn('text') name!: string;
  @Column('timestamptz', { name: 'last_seen_at' }) lastSeenAt!: Date;
  @Column('double precision', { name: 'rss_bytes' }) rssBytes!: number;
}
