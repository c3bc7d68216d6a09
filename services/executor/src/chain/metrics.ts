import { prometheusText, type MetricFamily } from '@l3af/telemetry';
import type { CounterLedger } from './ledger';
import type { ChainMemory } from './memory';
import { observe } from './observe';
import type { Reconciler } from './reconcile';

export interface MetricSources {
  memory: ChainMemory;
  reconciler: Reconciler;
  ledger: CounterLedger;
}

/** Packet counters of every live chain as Prometheus text, read from the kernel when asked. They never go back: see CounterLedger. */
export function chainMetrics(node: string, { memory, reconciler, ledger }: MetricSources): string {
  const verdicts: MetricFamily = {
    name: 'l3af_kf_verdict_packets_total',
    help: 'Packets that left the chain at this KF, by verdict',
    type: 'counter',
    samples: [],
  };
  const proceeded: MetricFamily = {
    name: 'l3af_kf_proceeded_packets_total',
    help: 'Packets that went on to the next KF, or reached the end',
    type: 'counter',
    samples: [],
  };
  const revision: MetricFamily = {
    name: 'l3af_chain_revision',
    help: 'Revision of the chain that packets see',
    type: 'gauge',
    samples: [],
  };
  const broken: MetricFamily = {
    name: 'l3af_chain_broken_packets_total',
    help: 'Packets that fell through inside the chain',
    type: 'counter',
    samples: [],
  };
  for (const { key, deleted } of memory.all()) {
    const target = deleted ? undefined : reconciler.target(key);
    const { hook, live } = target ? observe(target) : {};
    if (!target || !hook || !live) continue;
    const chain = { node, interface: key.interface, hook: key.hook };
    const complete = hook.generations.filter((one) => one.complete).map(({ generation }) => generation);
    const counters = ledger.totals(target, complete);
    revision.samples.push({ labels: chain, value: live.applied.revision });
    broken.samples.push({ labels: chain, value: counters.broken });
    for (const { name } of live.applied.kfs) {
      const counts = counters.kfs[name] ?? { verdicts: {}, proceeded: 0 };
      const labels = { ...chain, kf: name };
      proceeded.samples.push({ labels, value: counts.proceeded });
      for (const [verdict, value] of Object.entries(counts.verdicts))
        verdicts.samples.push({ labels: { ...labels, verdict }, value });
    }
  }
  return prometheusText([verdicts, proceeded, revision, broken]);
}
