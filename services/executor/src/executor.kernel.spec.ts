import { existsSync, readFileSync } from 'node:fs';
import { type DesiredKf, nodeSubject } from '@l3af/contracts';
import { requestNode } from '@l3af/event-store';
import { generateSigningKey } from '@l3af/oci';
import { udpPacket, waitFor } from '@l3af/testing';
import { NodeFixture, Servers } from './testing/node-fixture';

/** Drops UDP to the ports in `deny`, counts what it sees. `tag` makes versions of it that differ. */
const portFilter = (tag: number): string => `
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, __u16); __type(value, __u32); } deny SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
const volatile __u32 tag = ${tag};
SEC("xdp") int port_filter(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct iphdr *ip = data + sizeof(*eth);
  struct udphdr *udp = (void *)(ip + 1);
  if ((void *)(udp + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != 17 || tag == 99) return XDP_PASS;
  __u32 zero = 0;
  __u64 *count = bpf_map_lookup_elem(&seen, &zero);
  if (count) __sync_fetch_and_add(count, 1);
  __u16 port = bpf_ntohs(udp->dest);
  return bpf_map_lookup_elem(&deny, &port) ? XDP_DROP : XDP_PASS;
}`;

const endless = `
SEC("xdp") int endless(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  return *(int *)data;
}`;

describe('executor', () => {
  let servers: Servers;
  let node: NodeFixture;
  let filter: DesiredKf;
  beforeAll(async () => (servers = await Servers.start()));
  afterAll(() => servers.stop());
  beforeEach(async () => {
    node = new NodeFixture(servers);
    filter = await node.publish('filter', portFilter(1));
    filter.config = { deny: { 4001: 1 } };
    node.startExecutor();
  });
  afterEach(() => node.stop());

  const live = async () => {
    const [chain] = await requestNode(node.bus, node.name, 'chains', {});
    return chain!;
  };

  it('makes a desired chain live on real packets, and keeps map state over a new revision', async () => {
    const key = node.chainKey();
    const first = await node.reported(key, await node.desire(key, [filter]), 'ChainApplied');
    expect(first.data).toMatchObject({ generation: 1, mode: 'native', kfs: [{ name: 'filter' }] });
    node.pair.sendUdp('peer', { port: 4001, count: 5 });
    node.pair.sendUdp('peer', { port: 4002, count: 3 });
    await waitFor(async () => (await live()).kfs[0]!.verdicts['DROP'] === 5, 'five packets to be dropped');

    const other = { ...(await node.publish('other', portFilter(2))), name: 'second' };
    const next = await node.reported(key, await node.desire(key, [other, filter]), 'ChainApplied');
    expect(next.data).toMatchObject({ generation: 2, kfs: [{ name: 'second' }, { name: 'filter' }] });
    const seen = await requestNode(node.bus, node.name, 'map-dump', {
      interface: key.interface,
      hook: 'xdp',
      kf: 'filter',
      map: 'seen',
    });
    expect(Number(seen.entries[0]!.value)).toBeGreaterThanOrEqual(8);
  });

  it('changes switches and map configuration in place, and says what a packet meets', async () => {
    const key = node.chainKey();
    await node.reported(key, await node.desire(key, [filter]), 'ChainApplied');
    const before = (await live()).kfs[0]!.programId;
    const packet = udpPacket({ destinationPort: 5000 }).toString('hex');
    const ask = () =>
      requestNode(node.bus, node.name, 'explain', { interface: key.interface, hook: 'xdp', packet });
    expect(await ask()).toMatchObject({
      verdict: 'PASS',
      steps: [{ kf: 'filter', verdict: 'PASS', proceeded: true }],
    });

    const changed = await node.desire(key, [{ ...filter, config: { deny: { 5000: 1 } } }]);
    expect((await node.reported(key, changed, 'ChainApplied')).data.generation).toBe(1);
    expect((await live()).kfs[0]!.programId).toBe(before);
    expect(await ask()).toMatchObject({ verdict: 'DROP', leftAt: 'filter' });
    const deny = await requestNode(node.bus, node.name, 'map-dump', {
      interface: key.interface,
      hook: 'xdp',
      kf: 'filter',
      map: 'deny',
    });
    expect(deny.entries).toEqual([{ key: 5000, value: 1 }]);

    await node.reported(
      key,
      await node.desire(key, [{ ...filter, enabled: false, config: { deny: { 5000: 1 } } }]),
      'ChainApplied',
    );
    expect(await ask()).toMatchObject({
      verdict: 'PASS',
      steps: [{ kf: 'filter', proceeded: true, notes: ['switched off'] }],
    });
    expect(node.generations()).toEqual(['1']);

    // A constant cannot change in place: a new generation takes the maps along.
    const constant = await node.desire(key, [{ ...filter, config: { deny: { 5000: 1 }, tag: 99 } }]);
    expect((await node.reported(key, constant, 'ChainApplied')).data.generation).toBe(2);
    expect(await ask()).toMatchObject({ verdict: 'PASS', steps: [{ verdict: 'PASS' }] });
  });

  it('migrates map state to a version whose definition differs, or refuses to lose it', async () => {
    const counter = (value: string, field: string) => `
struct value { ${value} };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, struct value); } stats SEC(".maps");
SEC("xdp") int counter(struct xdp_md *ctx) {
  __u32 key = 1;
  struct value *v = bpf_map_lookup_elem(&stats, &key);
  if (v) v->${field}++;
  return XDP_PASS;
}`;
    const key = node.chainKey();
    const dump = () =>
      requestNode(node.bus, node.name, 'map-dump', {
        interface: key.interface,
        hook: 'xdp',
        kf: 'counter',
        map: 'stats',
      });
    const old = {
      ...(await node.publish('counter', counter('__u32 seen;', 'seen'))),
      config: { stats: { 1: { seen: 41 } } },
    };
    await node.reported(key, await node.desire(key, [old]), 'ChainApplied');
    const next = {
      ...(await node.publish('counter2', counter('__u32 flags; __u64 packets;', 'packets'))),
      name: 'counter',
    };
    const refused = await node.reported(key, await node.desire(key, [next]), 'ChainRejected');
    expect(refused.data.error.code).toBe('state-mismatch');

    const migrate = { stats: { rename: { packets: 'seen' }, defaults: { flags: 7 } } };
    // Entries that the old document named and the new one does not would be left out; these are the KF's own now.
    await node
      .reported(
        key,
        await node.desire(key, [{ ...next, migrate, config: { stats: { 1: { flags: 7, packets: 41 } } } }]),
        'ChainApplied',
      )
      .then(({ data }) => expect(data.warnings).toContain('KF counter: map stats was migrated'));
    const [entry] = (await dump()).entries;
    expect(entry).toMatchObject({ key: 1, value: { flags: 7 } });
    expect(Number((entry!.value as { packets: number }).packets)).toBeGreaterThanOrEqual(41);
  });

  it('times each KF on live packets and puts the chain back as it was', async () => {
    const key = node.chainKey();
    await node.reported(key, await node.desire(key, [filter]), 'ChainApplied');
    const before = await live();
    const timing = requestNode(node.bus, node.name, 'time', {
      interface: key.interface,
      hook: 'xdp',
      seconds: 2,
      timeoutMs: 60_000,
    });
    await waitFor(async () => (await live()).generation === before.generation + 1, 'the timed generation');
    node.pair.sendUdp('peer', { port: 4001, count: 2000 });
    const timed = await timing;
    expect(timed.kfs).toMatchObject([{ name: 'filter', nanoseconds: expect.any(Number) as number }]);
    expect(timed.kfs[0]!.packets).toBeGreaterThan(0);
    expect(await live()).toMatchObject({ generation: before.generation, revision: before.revision });
    await waitFor(() => node.generations().length === 1, 'the timed generation to be removed');
  });

  it('finds its chains after a restart and has nothing to do', async () => {
    const key = node.chainKey();
    await node.reported(key, await node.desire(key, [filter]), 'ChainApplied');
    const before = await live();
    await node.stopExecutor();
    node.pair.sendUdp('peer', { port: 4001, count: 4 });
    node.startExecutor();
    const after = await waitFor(live, 'the executor to answer');
    expect(after).toMatchObject({
      generation: before.generation,
      kfs: [{ programId: before.kfs[0]!.programId, verdicts: { DROP: 4 } }],
    });
    expect(await node.reports(key)).toHaveLength(1);
  });

  it.each([
    ['signed by a key nobody trusts', generateSigningKey().privateKey, 'signature-untrusted'],
    ['not signed', null, 'signature-missing'],
  ])('refuses a package that is %s and leaves the chain as it was', async (_, signedWith, code) => {
    const key = node.chainKey();
    await node.reported(key, await node.desire(key, [filter]), 'ChainApplied');
    const strange = await node.publish(`strange-${code}`, portFilter(3), { signedWith });
    const refused = await node.reported(key, await node.desire(key, [strange]), 'ChainRejected');
    expect(refused.data).toMatchObject({ error: { code }, liveRevision: 1 });
    expect((await live()).revision).toBe(1);
  });

  it('reports why the verifier refused, with the whole log, once', async () => {
    const key = node.chainKey();
    await node.reported(key, await node.desire(key, [filter]), 'ChainApplied');
    const bad = await node.publish('bad', endless);
    const refused = await node.reported(key, await node.desire(key, [filter, bad]), 'ChainRejected');
    expect(refused.data).toMatchObject({ kf: 'bad', error: { code: 'verifier-refused' }, liveRevision: 1 });
    const log = await node.bus.objects('l3af-logs').get(refused.data.log!.digest);
    expect(Buffer.from(log).toString('utf8')).toMatch(/invalid access to packet/);
    await node.stopExecutor();
    node.startExecutor();
    await waitFor(live, 'the executor to answer');
    expect((await node.reports(key)).filter(({ type }) => type === 'ChainRejected')).toHaveLength(1);
  });

  it('waits for an interface that is not there, applies when it appears, lets go when it goes', async () => {
    const key = node.chainKey('xdp', 'later0');
    const sequence = await node.desire(key, [filter]);
    expect((await node.reported(key, sequence, 'ChainRejected')).data.error.code).toBe('interface-gone');
    node.pair.run('node', 'ip', 'link', 'add', 'later0', 'type', 'veth', 'peer', 'name', 'later1');
    await waitFor(
      async () => (await node.reports(key)).some(({ type }) => type === 'ChainApplied'),
      'the chain to be applied',
    );
    node.pair.run('node', 'ip', 'link', 'delete', 'later0');
    await waitFor(
      async () => (await requestNode(node.bus, node.name, 'chains', {})).length === 0,
      'the chain to be let go',
    );
    await waitFor(
      () => !existsSync(`/sys/fs/bpf/l3af/${node.settings.instance}/${node.name}/later0`),
      'its pins to be removed',
    );
  });

  it('tells every interface of a burst', async () => {
    const told = async () => {
      const last = (await node.bus.store.last(nodeSubject(node.name)))?.events.at(-1);
      const known =
        last?.type === 'NodeRegistered' || last?.type === 'NodeChanged' ? last.data.interfaces : [];
      return known.map(({ name }) => name);
    };
    await waitFor(async () => (await told()).includes(node.pair.name), 'the node to register');
    const wanted = Array.from({ length: 12 }, (_, index) => `burst${index}`);
    for (const name of wanted) {
      node.pair.run('node', 'ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`);
      await new Promise(setImmediate); // the executor's turn, in the middle of the burst
    }
    await waitFor(async () => {
      const names = await told();
      return wanted.every((name) => names.includes(name) && names.includes(`${name}p`));
    }, 'all interfaces to be told');
  });

  it('detaches a deleted chain and leaves no pin of it', async () => {
    const key = node.chainKey();
    await node.reported(key, await node.desire(key, [filter]), 'ChainApplied');
    await node.reported(key, await node.desire(key, []), 'ChainApplied');
    await node.reported(key, await node.desire(key, 'deleted'), 'ChainDetached');
    expect(node.pair.run('node', 'ip', '-j', 'link', 'show', 'dev', node.pair.name)).not.toMatch(/"xdp"/);
    expect(() => node.generations()).toThrow(/ENOENT/);
  });

  it('applies what was desired while the bus was away, and reports it', async () => {
    const key = node.chainKey();
    await node.reported(key, await node.desire(key, [filter]), 'ChainApplied');
    await node.stopExecutor();
    const missed = await node.desire(key, [{ ...filter, name: 'renamed' }]);
    await servers.nats.halt();
    node.startExecutor();
    await servers.nats.restart();
    expect((await node.reported(key, missed, 'ChainApplied')).data.kfs[0]!.name).toBe('renamed');
  });

  it('repairs a chain that someone detached, and says so', async () => {
    const key = node.chainKey();
    await node.reported(key, await node.desire(key, [filter]), 'ChainApplied');
    const pin = `/sys/fs/bpf/l3af/${node.settings.instance}/${node.name}/${key.interface}/xdp/link`;
    expect(() => readFileSync(pin)).toThrow();
    node.pair.run('node', 'bpftool', 'link', 'detach', 'pinned', pin);
    await waitFor(
      async () => (await node.reports(key)).some(({ type }) => type === 'ChainDrifted'),
      'the drift to be reported',
    );
    await waitFor(
      () => /"xdp"/.test(node.pair.run('node', 'ip', '-j', 'link', 'show', 'dev', node.pair.name)),
      'the chain to be attached again',
    );
    node.pair.sendUdp('peer', { port: 4001, count: 2 });
    await waitFor(async () => (await live()).kfs[0]!.verdicts['DROP'] === 2, 'two packets to be dropped');
  });
});
