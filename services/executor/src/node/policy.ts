import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type PolicyChanged, policyChangedSchema } from '@l3af/contracts';
import { type Bus, readGroupPolicy } from '@l3af/event-store';

type Rules = PolicyChanged['data'];

/**
 * What this node does about drift, probation and revoked keys: its own settings until the control plane says otherwise.
 * Remembered in a file, because a start makes chains true before the control plane answers.
 */
export class Policy {
  private rules: Rules | undefined;

  /** `ownProbationMs`: how long a previous generation is kept, in milliseconds, when no policy says. */
  constructor(
    private readonly path: string,
    private readonly ownProbationMs: number,
  ) {
    this.rules = read(path);
  }

  get onDrift(): Rules['onDrift'] {
    return this.rules?.onDrift ?? 'repair';
  }

  get onRevokedKey(): Rules['onRevokedKey'] {
    return this.rules?.onRevokedKey ?? 'report';
  }

  get probationMs(): number {
    return this.rules ? this.rules.probationSeconds * 1000 : this.ownProbationMs;
  }

  /** Reads the groups' policy from the stream; called at start and again and again. */
  async refresh(bus: Pick<Bus, 'store'>, groups: readonly string[]): Promise<void> {
    const rules = await readGroupPolicy(bus, groups);
    if (!rules || JSON.stringify(rules) === JSON.stringify(this.rules)) return;
    this.rules = rules;
    mkdirSync(dirname(this.path), { recursive: true });
    writeFileSync(`${this.path}.part`, JSON.stringify(this.rules));
    renameSync(`${this.path}.part`, this.path);
  }
}

/** A missing or damaged file is read from the stream again. */
function read(path: string): Rules | undefined {
  try {
    return policyChangedSchema.shape.data.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
