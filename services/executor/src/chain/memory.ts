import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chainKeyText } from '@l3af/contracts';
import { z } from 'zod';
import { type DesiredChain, desiredChainSchema } from './desired';

const refusalSchema = z.object({ sequence: z.number(), inputs: z.string() });
const stateSchema = z.object({
  desired: z.record(z.string(), desiredChainSchema),
  refused: z.record(z.string(), refusalSchema),
  /** The sequence that was last reported live, by hook. */
  reported: z.record(z.string(), z.number()),
});

/**
 * What the executor knows besides the kernel, in one small file: the last desired chain of each hook (so that a
 * rebooted node filters packets before the control plane answers) and the revisions that were refused.
 */
export class ChainMemory {
  private state: z.infer<typeof stateSchema>;

  constructor(private readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.state = read(path);
  }

  all(): DesiredChain[] {
    return Object.values(this.state.desired);
  }

  get(key: DesiredChain['key']): DesiredChain | undefined {
    return this.state.desired[chainKeyText(key)];
  }

  remember(desired: DesiredChain): void {
    this.state.desired[chainKeyText(desired.key)] = desired;
    this.save();
  }

  /** A refused revision is not tried again until one of its inputs changes: `inputs` fingerprints those that are not in the revision. */
  refuse(desired: DesiredChain, inputs: string): void {
    this.state.refused[chainKeyText(desired.key)] = { sequence: desired.sequence, inputs };
    this.save();
  }

  isRefused(desired: DesiredChain, inputs: string): boolean {
    const refusal = this.state.refused[chainKeyText(desired.key)];
    return refusal?.sequence === desired.sequence && refusal.inputs === inputs;
  }

  /** Whether this revision's success was reported, so that a restart does not report it again, or never. */
  isReported(desired: DesiredChain): boolean {
    return this.state.reported[chainKeyText(desired.key)] === desired.sequence;
  }

  markReported(desired: DesiredChain): void {
    const key = chainKeyText(desired.key);
    this.state.reported[key] = desired.sequence;
    delete this.state.refused[key];
    this.save();
  }

  private save(): void {
    writeFileSync(`${this.path}.part`, JSON.stringify(this.state));
    renameSync(`${this.path}.part`, this.path);
  }
}

/** A missing or damaged file costs nothing but a repeated attempt: the kernel and the stream are the record. */
function read(path: string): z.infer<typeof stateSchema> {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return { desired: {}, refused: {}, reported: {} };
  }
}
