import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chainKeyText, type ChainKey } from '@l3af/contracts';
import {
  type ChainCounters,
  generationPaths,
  type HookTarget,
  readCounters,
  removeGeneration,
} from '@l3af/kernel';
import { z } from 'zod';

const countsSchema = z.object({ verdicts: z.record(z.string(), z.number()), proceeded: z.number() });
const entrySchema = z.object({
  kfs: z.record(z.string(), countsSchema),
  broken: z.number(),
  /** Generations whose counts are in here and that may still be there: their folders. */
  folded: z.array(z.string()),
});
const ledgerSchema = z.record(z.string(), entrySchema);

type Entry = z.infer<typeof entrySchema>;
export type Totals = Omit<Entry, 'folded'>;

/**
 * What generations that are gone have counted, by chain and KF: what is exported is this and what the generations that are there have
 * counted, so that it never goes back, whether a chain is changed, rolled back, measured or reset. In one small file, for the next start.
 */
export class CounterLedger {
  private readonly entries: Record<string, Entry>;

  constructor(private readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.entries = read(path);
    for (const entry of Object.values(this.entries)) dropGone(entry);
  }

  /** Removes a generation that is not live, and keeps what it counted. */
  remove(target: HookTarget, generation: number): void {
    const entry = this.entry(target);
    const { folder, meta } = generationPaths(target, generation);
    const counters = existsSync(meta) && !entry.folded.includes(folder) && counted(target, generation);
    if (counters) {
      add(entry, counters);
      entry.folded.push(folder);
      this.save();
    }
    removeGeneration(target, generation);
    if (!counters) return;
    dropGone(entry);
    this.save();
  }

  /** The chain is gone. */
  forget(key: ChainKey): void {
    delete this.entries[chainKeyText(key)];
    this.save();
  }

  /** What all generations of a chain have counted, those that are gone included. */
  totals(target: HookTarget, generations: readonly number[]): Totals {
    const known = this.entry(target);
    const sum = structuredClone(known);
    for (const generation of generations) {
      if (known.folded.includes(generationPaths(target, generation).folder)) continue;
      const counters = counted(target, generation);
      if (counters) add(sum, counters);
    }
    return { kfs: sum.kfs, broken: sum.broken };
  }

  private entry(key: ChainKey): Entry {
    return (this.entries[chainKeyText(key)] ??= { kfs: {}, broken: 0, folded: [] });
  }

  private save(): void {
    writeFileSync(`${this.path}.part`, JSON.stringify(this.entries));
    renameSync(`${this.path}.part`, this.path);
  }
}

/** A generation that was half loaded has counted nothing, and one that someone damaged cannot be read. */
function counted(target: HookTarget, generation: number): ChainCounters | undefined {
  try {
    return readCounters(target, generation, { since: 'load' });
  } catch {
    return undefined;
  }
}

/** Generation numbers are used again once they are free. */
function dropGone(entry: Entry): void {
  entry.folded = entry.folded.filter((folder) => existsSync(folder));
}

function add(to: Totals, { kfs, broken }: ChainCounters): void {
  to.broken += broken;
  for (const { name, verdicts, proceeded } of kfs) {
    const counts = (to.kfs[name] ??= { verdicts: {}, proceeded: 0 });
    counts.proceeded += proceeded;
    for (const [verdict, count] of Object.entries(verdicts))
      counts.verdicts[verdict] = (counts.verdicts[verdict] ?? 0) + count;
  }
}

/** Without the file, counting starts again: as for every counter after the loss of a disk. */
function read(path: string): Record<string, Entry> {
  try {
    return ledgerSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return {};
  }
}
