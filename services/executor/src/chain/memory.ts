import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chainKeyText, type DesiredKf } from '@l3af/contracts';
import { z } from 'zod';
import { type DesiredChain, desiredChainSchema } from './desired';

const refusalSchema = z.object({ sequence: z.number(), inputs: z.string() });
const stateSchema = z.object({
  desired: z.record(z.string(), desiredChainSchema),
  refused: z.record(z.string(), refusalSchema),
  /** The sequence that was last reported live, by hook. */
  reported: z.record(z.string(), z.number()),
  /** KFs that run although their key is no longer trusted: digests, by hook and KF. */
  distrusted: z.record(z.string(), z.string()).default({}),
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
    this.markFailed(desired);
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

  /** The last report is of a failure: when the revision is live again, that is news. */
  markFailed(desired: DesiredChain): void {
    delete this.state.reported[chainKeyText(desired.key)];
    this.save();
  }

  /** False when that was known already, so that it is reported once. */
  markDistrusted(key: DesiredChain['key'], kf: Pick<DesiredKf, 'name' | 'digest'>): boolean {
    const id = kfId(key, kf);
    if (this.state.distrusted[id] === kf.digest) return false;
    this.state.distrusted[id] = kf.digest;
    this.save();
    return true;
  }

  /** Whether the KF was known as distrusted. */
  forgetDistrusted(key: DesiredChain['key'], kf: Pick<DesiredKf, 'name' | 'digest'>): boolean {
    const id = kfId(key, kf);
    const known = this.state.distrusted[id];
    if (known === undefined) return false;
    delete this.state.distrusted[id];
    this.save();
    return known === kf.digest;
  }

  private save(): void {
    writeFileSync(`${this.path}.part`, JSON.stringify(this.state));
    renameSync(`${this.path}.part`, this.path);
  }
}

const kfId = (key: DesiredChain['key'], { name }: Pick<DesiredKf, 'name'>): string =>
  `${chainKeyText(key)}/${name}`;

/** A missing or damaged file costs nothing but a repeated attempt: the kernel and the stream are the record. */
function read(path: string): z.infer<typeof stateSchema> {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return { desired: {}, refused: {}, reported: {}, distrusted: {} };
  }
}
