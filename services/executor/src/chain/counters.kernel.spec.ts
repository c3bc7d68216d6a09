import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DesiredKf } from '@l3af/contracts';
import { requestNode } from '@l3af/event-store';
import { freePort, waitFor } from '@l3af/testing';
import { NodeFixture, Servers } from '../testing/node-fixture';

const drop = `
#include <linux/if_ether.h>
SEC("xdp") int drop(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  return data + sizeof(*eth) <= end && eth->h_proto == bpf_htons(ETH_P_IP) ? XDP_DROP : XDP_PASS;
}`;

describe('counters of a chain', () => {
  let servers: Servers;
  let node: NodeFixture;
  let kf: DesiredKf;
  let metricsPort: number;
  beforeAll(async () => (servers = await Servers.start()));
  afterAll(() => servers.stop());
  beforeEach(async () => {
    node = new NodeFixture(servers);
    node.settings.probationMs = 100;
    kf = await node.publish('drop', drop);
    metricsPort = await freePort();
    node.settings.metricsPort = metricsPort;
    node.startExecutor();
    const key = node.chainKey();
    await node.reported(key, await node.desire(key, [kf]), 'ChainApplied');
  });
  afterEach(() => node.stop());

  const place = () => ({ interface: node.pair.name, hook: 'xdp' as const });
  const shown = async (): Promise<number> =>
    (await requestNode(node.bus, node.name, 'chains', place()))[0]?.kfs[0]?.verdicts['DROP'] ?? 0;
  const exported = async (): Promise<number> => {
    const page = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    const sample = /^l3af_kf_verdict_packets_total\{.*verdict="DROP".*\} (\d+)$/m.exec(await page.text());
    return Number(sample?.[1] ?? 0);
  };
  const send = (count: number): void => node.pair.sendUdp('peer', { port: 4000, count });
  const reset = (more: { kf?: string } = {}) =>
    requestNode(node.bus, node.name, 'reset-counters', {
      ...place(),
      actor: 'alice',
      reason: 'a test',
      ...more,
    });

  it('begin at zero when someone says so, which is stored; what is exported goes on', async () => {
    send(5);
    await waitFor(async () => (await shown()) === 5, 'five packets');
    expect(await reset()).toMatchObject({
      revision: 1,
      generation: 1,
      kfs: [{ name: 'drop', verdicts: { DROP: 5 } }],
    });
    expect([await shown(), await exported()]).toEqual([0, 5]);
    send(2);
    await waitFor(async () => (await shown()) === 2, 'two packets');
    expect(await exported()).toBe(7);
    const { data } = await waitFor(
      async () => (await node.reports(node.chainKey())).find(({ type }) => type === 'CountersReset'),
      'the report',
    );
    expect(data).toMatchObject({
      revision: 1,
      generation: 1,
      actor: 'alice',
      reason: 'a test',
      kfs: [{ name: 'drop', verdicts: { DROP: 5 } }],
    });
    await expect(reset({ kf: 'none' })).rejects.toMatchObject({ code: 'unknown-instance' });
    await node.stopExecutor();
    node.startExecutor();
    await waitFor(async () => (await shown()) === 2, 'the executor to answer');
    expect(await waitFor(exported, 'the metrics')).toBe(7);
  });

  it('never go back in what is exported: over revisions, measuring, and a restart', async () => {
    const key = node.chainKey();
    send(5);
    await waitFor(async () => (await exported()) === 5, 'five packets');
    const second = { ...kf, name: 'second' };
    await node.reported(key, await node.desire(key, [kf, second]), 'ChainApplied');
    expect(await exported()).toBe(5);
    send(3);
    await waitFor(async () => (await exported()) === 8, 'three more');
    expect(await shown()).toBe(3);
    await waitFor(() => node.generations().length === 1, 'the end of the probation');
    expect(await exported()).toBe(8);

    const session = await requestNode(node.bus, node.name, 'explain-start', {
      ...place(),
      match: 'udp',
      timeoutMs: 60_000,
    });
    await expect(reset()).rejects.toMatchObject({ code: 'conflict' });
    send(4);
    await waitFor(async () => (await exported()) === 12, 'four more, measured');
    expect(await shown()).toBe(7);
    await requestNode(node.bus, node.name, 'explain-stop', { session: session.session });
    await waitFor(() => node.generations().length === 1, 'the plain chain');
    expect([await exported(), await shown()]).toEqual([12, 7]);
    send(1);
    await waitFor(async () => (await shown()) === 8, 'one more');

    await node.stopExecutor();
    const kept = JSON.parse(readFileSync(join(node.settings.cacheDir, 'counters.json'), 'utf8')) as object;
    expect(Object.values(kept)).toMatchObject([{ kfs: { drop: { verdicts: { DROP: 9 } } }, folded: [] }]);
    node.startExecutor();
    await waitFor(async () => (await exported()) === 13, 'the executor to export');
    // It does so before it is connected.
    await waitFor(async () => (await shown()) === 8, 'the executor to answer');
    expect(await reset()).toMatchObject({ kfs: [{ verdicts: { DROP: 8 } }, { name: 'second' }] });
    expect([await exported(), await shown()]).toEqual([13, 0]);
  });

  it('names the maps of a KF that has not the one that was asked for', async () => {
    const dump = requestNode(node.bus, node.name, 'map-dump', { ...place(), kf: 'drop', map: 'sene' });
    await expect(dump).rejects.toMatchObject({ code: 'unknown-map', details: { kf: 'drop', maps: [] } });
  });
});
