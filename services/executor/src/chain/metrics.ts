import { readCounters } from '@l3af/kernel';
import { prometheusText, type MetricFamily } from '@l3af/telemetry';
import type { ChainMemory } from './memory';
import { observe } from './observe';
import type { Reconciler } from './reconcile';

/** Packet counters of every live chain as Prometheus text, read from the kernel when asked. */
export function chainMetrics(node: string, memory: ChainMemory, reconciler: Reconciler): string {
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
    const live = target && observe(target).live;
    if (!target || !live) continue;
    const chain = { node, interface: key.interface, hook: key.hook };
    const counters = readCounters(target, live.generation);
    revision.samples.push({ labels: chain, value: live.applied.revision });
    broken.samples.push({ labels: chain, value: counters.broken });
    for (const kf of counters.kfs) {
      const labels = { ...chain, kf: kf.name };
      proceeded.samples.push({ labels, value: kf.proceeded });
      for (const [verdict, value] of Object.entries(kf.verdicts))
        verdicts.samples.push({ labels: { ...labels, verdict }, value });
    }
  }
  return prometheusText([verdicts, proceeded, revision, broken]);
}
