import { type ChainKey, type DesiredKf, L3afError, type ReportEvent } from '@l3af/contracts';
import { type HookTarget, setEnabled } from '@l3af/kernel';
import type { ArtifactStore } from '../artifact/artifact-store';
import type { Policy } from '../node/policy';
import type { Reporter } from '../report/reporter';
import type { ChainMemory } from './memory';
import { observe } from './observe';
import type { Reconciler } from './reconcile';

export interface DistrustOptions {
  artifacts: Pick<ArtifactStore, 'get'>;
  memory: ChainMemory;
  policy: Policy;
  reconciler: Reconciler;
  reporter: Reporter;
  /** Changes whenever the set of trusted keys does. */
  trusted: () => string;
}

interface Running {
  key: ChainKey;
  target: HookTarget;
  generation: number;
  revision: number;
  kf: DesiredKf;
}

const distrusting = new Set(['signature-untrusted', 'signature-missing']);

/** Looks again at the signatures of KFs that run already: their key may have been revoked since. */
export class Distrust {
  private checked: string | undefined;

  constructor(private readonly options: DistrustOptions) {}

  /** Checks every live KF when the trusted keys, or the policy about them, are not those of the last whole check. */
  async check(): Promise<void> {
    const { trusted, policy, memory, reconciler } = this.options;
    const now = `${trusted()} ${policy.onRevokedKey}`;
    if (now === this.checked) return;
    // A signature that cannot be read now (the registry is away) throws: the next turn checks again.
    await reconciler.alone(async () => {
      for (const { key, deleted } of memory.all()) if (!deleted) await this.checkChain(key);
    });
    this.checked = now;
  }

  private async checkChain(key: ChainKey): Promise<void> {
    const target = this.options.reconciler.target(key);
    const live = target && observe(target).live;
    if (!target || !live) return;
    const { generation, applied } = live;
    for (const kf of applied.kfs) {
      const running = { key, target, generation, revision: applied.revision, kf };
      if (await this.isTrusted(kf)) this.restore(running);
      else this.distrust(running);
    }
  }

  private async isTrusted(kf: DesiredKf): Promise<boolean> {
    try {
      await this.options.artifacts.get(kf);
      return true;
    } catch (error) {
      if (error instanceof L3afError && distrusting.has(error.code)) return false;
      throw error;
    }
  }

  private distrust({ key, target, generation, revision, kf }: Running): void {
    const { memory, policy, reporter } = this.options;
    const evict = policy.onRevokedKey === 'evict';
    if (kf.enabled) setEnabled(target, generation, { kf: kf.name, enabled: !evict });
    if (!memory.markDistrusted(key, kf)) return;
    reporter.report(key, unhealthy(key, { revision, kf: kf.name, evict: evict && kf.enabled }));
  }

  /** The key is trusted again: what was switched off for want of it is switched on. */
  private restore({ key, target, generation, revision, kf }: Running): void {
    const { memory, reporter } = this.options;
    if (!memory.forgetDistrusted(key, kf)) return;
    if (kf.enabled) setEnabled(target, generation, { kf: kf.name, enabled: true });
    const detail = 'signed by a key that is trusted again';
    const data = { ...key, revision, kf: kf.name, detail, restarts: 0 };
    reporter.report(key, { type: 'KfRestarted', version: 1, data });
  }
}

function unhealthy(key: ChainKey, seen: { revision: number; kf: string; evict: boolean }): ReportEvent {
  const { revision, kf, evict } = seen;
  const detail = `signed by a key that is no longer trusted${evict ? '; switched off' : ''}`;
  return { type: 'KfUnhealthy', version: 1, data: { ...key, revision, kf, detail } };
}
