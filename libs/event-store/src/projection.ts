import type { ProjectionStatus } from '@l3af/contracts';
import type { EntityManager } from 'typeorm';
import type { StoredEnvelope } from './stored-envelope';

/** Read models made from events. */
export interface Projection {
  readonly name: string;
  /** Of the read models' shape: another number than the stored one rebuilds the projection from zero. */
  readonly version: number;
  /** The subjects it wants begin with one of these. */
  readonly subjects: readonly string[];
  /** Writes what the events say, in stream order. Runs in the transaction that moves the checkpoint. */
  apply(manager: EntityManager, events: StoredEnvelope[]): Promise<void>;
  /** Empties its tables, before a rebuild. */
  clear(manager: EntityManager): Promise<void>;
}

/** How far a projection is, and why it stands still if it does. */
export class ProjectionState {
  sequence = 0;
  error: ProjectionStatus['error'] = null;

  constructor(readonly projection: Projection) {}

  get name(): string {
    return this.projection.name;
  }

  wants(subject: string): boolean {
    return this.projection.subjects.some((prefix) => subject.startsWith(prefix));
  }
}
