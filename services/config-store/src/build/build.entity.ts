import type { BuildView } from '@l3af/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { numeric } from '../database/numeric';

/** A build, as people see it. */
@Entity('build')
export class BuildRow {
  @PrimaryColumn('text') id!: string;
  /** Of its request: the order of builds. */
  @Column('bigint', { transformer: numeric }) sequence!: number;
  @Column('jsonb') view!: BuildView;
}
