import type { DesiredKf, LiveEnd, LiveExplanation, NodeReply } from '@l3af/contracts';
import { requestNode } from '@l3af/event-store';
import { loadGeneration, readCounters, removeGeneration, swapTo } from '@l3af/kernel';
import { compileBpf, waitFor } from '@l3af/testing';
import { NodeFixture, Servers } from '../testing/node-fixture';

/** Drops UDP to port 4001 and sets the time to live of all other IPv4 packets. */
const filter = `
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
SEC("xdp") int filter(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct iphdr *ip = data + sizeof(*eth);
  struct udphdr *udp = (void *)(ip + 1);
  if ((void *)(udp + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != 17) return XDP_PASS;
  if (udp->dest == bpf_htons(4001)) return XDP_DROP;
  ip->ttl = 7;
  return XDP_PASS;
}`;
const pass = 'SEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }';

describe('explaining live packets', () => {
  let servers: Servers;
  let node: NodeFixture;
  let chain: DesiredKf[];
  beforeAll(async () => (servers = await Servers.start()));
  afterAll(() => servers.stop());
  beforeEach(async () => {
    node = new NodeFixture(servers);
    const first = await node.publish('first', pass);
    chain = [
      first,
      await node.publish('filter', filter),
      { ...first, name: 'off', enabled: false },
      { ...first, name: 'last' },
    ];
    node.startExecutor();
    const key = node.chainKey();
    await node.reported(key, await node.desire(key, chain), 'ChainApplied');
  });
  afterEach(() => node.stop());

  type Request = { match?: string; count?: number; seconds?: number };
  const start = (request: Request) =>
    requestNode(node.bus, node.name, 'explain-start', {
      interface: node.pair.name,
      hook: 'xdp',
      timeoutMs: 60_000,
      ...request,
    });
  const live = async (): Promise<NodeReply<'chains'>[number]> =>
    (await requestNode(node.bus, node.name, 'chains', {}))[0]!;
  const next = (session: string) =>
    requestNode(node.bus, node.name, 'explain-next', { session, timeoutMs: 60_000 });
  async function toEnd(session: string): Promise<{ packets: LiveExplanation[]; end: LiveEnd }> {
    const packets: LiveExplanation[] = [];
    for (;;) {
      const answer = await next(session);
      packets.push(...answer.packets);
      if (answer.end) return { packets, end: answer.end };
    }
  }

  it('tells what each KF does to the packets that match, and leaves the chain as it was', async () => {
    const before = await live();
    const { session, generation } = await start({ match: 'udp and dst portrange 4001-4002', count: 2 });
    expect(generation).toBe(before.generation + 1);
    node.pair.sendUdp('peer', { port: 4003, count: 3 });
    node.pair.sendUdp('peer', { port: 4001, count: 1 });
    node.pair.sendUdp('peer', { port: 4002, count: 3 });
    const { packets, end } = await toEnd(session);
    expect(end).toEqual({ reason: 'count', packets: 2, incomplete: 0 });
    const [dropped, passed] = packets;
    expect(dropped).toMatchObject({
      number: 1,
      verdict: 'DROP',
      leftAt: 'filter',
      revision: before.revision,
    });
    expect(dropped?.steps.map(({ kf, verdict, proceeded }) => [kf, verdict, proceeded])).toEqual([
      ['first', 'PASS', true],
      ['filter', 'DROP', false],
    ]);
    expect(passed).toMatchObject({ number: 2, verdict: 'PASS' });
    expect(passed?.leftAt).toBeUndefined();
    expect(
      passed?.steps.map(({ kf, changes, notes }) => [
        kf,
        changes.map(({ offset, after }) => [offset, after]),
        notes,
      ]),
    ).toEqual([
      ['first', [], []],
      ['filter', [[22, '07']], []],
      ['off', [], ['switched off']],
      ['last', [], []],
    ]);
    expect(passed?.packet.slice(44, 46)).toBe('07');
    expect(passed?.arrived.slice(44, 46)).not.toBe('07');
    await waitFor(() => node.generations().length === 1, 'the watched generation to be removed');
    expect(await live()).toMatchObject({ generation: before.generation, revision: before.revision });
  });

  it('ends when nothing comes, when the caller says so, and refuses a second one meanwhile', async () => {
    const nothing = await start({ match: 'dst port 9', seconds: 0.3 });
    expect(await toEnd(nothing.session)).toEqual({
      packets: [],
      end: { reason: 'timeout', packets: 0, incomplete: 0 },
    });
    await waitFor(() => node.generations().length === 1, 'the watched generation to be removed');
    const { session } = await start({ match: 'dst port 9' });
    await expect(start({})).rejects.toMatchObject({ code: 'conflict' });
    await requestNode(node.bus, node.name, 'explain-stop', { session });
    expect((await toEnd(session)).end.reason).toBe('stopped');
    await waitFor(() => node.generations().length === 1, 'the watched generation to be removed');
    await expect(start({ match: 'tcp and prot 8' })).rejects.toMatchObject({
      code: 'invalid-match',
      details: { position: 9 },
    });
    await expect(next('unknown')).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('makes room for a change of the chain at once', async () => {
    const { session } = await start({ match: 'dst port 9' });
    const key = node.chainKey();
    const enabled = chain.map((kf) => ({ ...kf, enabled: kf.name !== 'filter' }));
    const report = await node.reported(key, await node.desire(key, enabled), 'ChainApplied');
    expect(report.data.kfs.map((kf) => kf.enabled)).toEqual([true, false, true, true]);
    expect((await toEnd(session)).end.reason).toBe('changed');
    await waitFor(() => node.generations().length === 1, 'one generation');
    expect((await live()).generation).toBe(report.data.generation);
  });

  it('leaves a plain chain when the executor stops', async () => {
    const before = await live();
    await start({ match: 'any' });
    await node.stopExecutor();
    expect(node.generations()).toEqual([String(before.generation)]);
    node.startExecutor();
    expect((await waitFor(live, 'the executor to answer')).generation).toBe(before.generation);
  });

  it.each([
    ['with the plain generation beside it', true],
    ['without it', false],
  ])('takes away the watched generation that a crash left: %s', async (_, beside) => {
    const before = await live();
    await node.stopExecutor();
    const target = {
      ...{ instance: node.settings.instance, ...node.chainKey(), netns: node.pair.netnsPath },
      ifindex: node.pair.ifindex,
    };
    const applied = { revision: before.revision, sequence: await lastSequence(), kfs: chain, timed: true };
    const kf = {
      name: 'first',
      object: compileBpf(pass),
      program: 'pass',
      proceedOn: [2],
      enabled: true,
      constants: [],
      writes: [],
    };
    await loadGeneration(target, {
      generation: 50,
      metadata: JSON.stringify(applied),
      kfs: [{ ...kf, digest: 'sha256:x', state: 'keep' }],
      watch: { match: 'any', packets: 1000 },
    });
    swapTo(target, 50);
    if (!beside) removeGeneration(target, before.generation);
    node.startExecutor();
    const plain = beside ? before.generation : 51;
    await waitFor(() => node.generations().join() === String(plain), 'the plain generation alone');
    const after = await waitFor(live, 'the executor to answer');
    expect(after.kfs.map(({ name }) => name)).toEqual(['first', 'filter', 'off', 'last']);
    expect(readCounters(target, plain).broken).toBe(0);
  });

  const lastSequence = async (): Promise<number> => {
    const reports = await node.reports(node.chainKey());
    const last = reports.at(-1)!.data;
    return 'sequence' in last ? last.sequence : 0;
  };
});
