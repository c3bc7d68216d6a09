import type { ChainChange, DesiredKf, Hook, WireError } from '@l3af/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { numeric } from '../database/numeric';
import type { ChainState, Outcome } from './chain.state';

/** One chain: all that is known of it now. */
@Entity('chain')
export class ChainRow {
  @PrimaryColumn('text') node!: string;
  @PrimaryColumn('text') interface!: string;
  @PrimaryColumn('text') hook!: Hook;
  @Column('boolean') deleted!: boolean;
  @Column('jsonb') state!: ChainState;
}

/** One revision of a chain, and what became of it. */
@Entity('chain_revision')
export class ChainRevisionRow {
  @PrimaryColumn('text') node!: string;
  @PrimaryColumn('text') interface!: string;
  @PrimaryColumn('text') hook!: Hook;
  @PrimaryColumn('integer') revision!: number;
  @Column('bigint', { transformer: numeric }) sequence!: number;
  @Column('text') at!: string;
  @Column('text') actor!: string;
  @Column('jsonb') change!: ChainChange;
  @Column('jsonb') kfs!: DesiredKf[];
  @Column('text') outcome!: Outcome;
  @Column('jsonb', { nullable: true }) error!: WireError | null;
}
