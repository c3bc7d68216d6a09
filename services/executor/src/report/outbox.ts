import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportEvent } from '@l3af/contracts';

/** A report that waits to be appended. `id` makes sending it twice harmless. */
export interface PendingReport {
  id: string;
  subject: string;
  correlationId?: string;
  causationId?: string;
  event: ReportEvent;
  /** A log that goes to the object store; the event then points at it. */
  log?: string;
}

/**
 * Reports on disk until the bus has them: one file each, named so that they sort in the order they were made.
 * A report written here is sent even when the executor is killed before it could be.
 */
export class Outbox {
  private next: number;

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.next = 1 + Math.max(0, ...this.names().map((name) => Number.parseInt(name, 10)));
  }

  add(report: PendingReport): void {
    const name = `${String(this.next++).padStart(12, '0')}.json`;
    const path = join(this.folder, name);
    writeFileSync(`${path}.part`, JSON.stringify(report));
    renameSync(`${path}.part`, path);
  }

  /** The oldest report and what removes it, or undefined when all are sent. */
  oldest(): { report: PendingReport; remove(): void } | undefined {
    const name = this.names()[0];
    if (name === undefined) return undefined;
    const path = join(this.folder, name);
    const remove = (): void => rmSync(path, { force: true });
    try {
      return { report: JSON.parse(readFileSync(path, 'utf8')) as PendingReport, remove };
    } catch {
      // A file that the disk damaged must not hold up those behind it for ever.
      renameSync(path, `${path}.damaged`);
      return this.oldest();
    }
  }

  private names(): string[] {
    return readdirSync(this.folder)
      .filter((name) => /^\d+\.json$/.test(name))
      .sort();
  }
}
