import { readdirSync, readFileSync } from 'node:fs';
import { compileBpf, createVethPair, startFlood, waitFor } from '@l3af/testing';
import {
  detach,
  loadGeneration,
  loadPlain,
  openKfMap,
  readCounters,
  removeGeneration,
  removeInstance,
  swapTo,
} from '../index';
import { createLink, linkFlags } from '../bpf/link';
import { allIds, withId } from '../bpf/info';
import { mapInfo } from '../bpf/map';
import { attachType, programInfo } from '../bpf/program';
import { hookFolder } from '../generation/paths';
import { hookFixture, kfLoad, rounds, xdpPass } from './chain-fixture';
import { inNetns } from '../index';
import { closeSync } from 'node:fs';
import { readLink } from '../net/links';

jest.setTimeout(1_800_000);

/** Stamps the packet's IPv4 identification: the number at the end tells the chain that a packet saw. */
const stamping = (stamp: string): Buffer =>
  compileBpf(`
    #include <linux/if_ether.h>
    #include <linux/ip.h>
    SEC("xdp") int kf(struct xdp_md *ctx) {
      void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
      struct ethhdr *eth = data; struct iphdr *ip = (void *)(eth + 1);
      if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
      ip->id = bpf_htons(${stamp});
      return XDP_PASS;
    }`);
/** Counts packets by stamp and ends them, so that nothing behind the chain costs time. */
const counting = compileBpf(`
  #include <linux/if_ether.h>
  #include <linux/ip.h>
  struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 65536); __type(key, __u32); __type(value, __u64); } stamps SEC(".maps");
  SEC("xdp") int kf(struct xdp_md *ctx) {
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data; struct iphdr *ip = (void *)(eth + 1);
    if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
    __u32 stamp = bpf_ntohs(ip->id);
    __u64 *count = bpf_map_lookup_elem(&stamps, &stamp);
    if (count) *count += 1;
    return XDP_DROP;
  }`);

/** Memory of this process that is no file's. */
function ownMemoryMib(): number {
  const [, kibibytes] = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes) / 1024;
}

describe('a chain under load', () => {
  const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }));
  afterAll(() => {
    detach(target);
    removeInstance(target.instance);
    pair.stop();
  });

  test('loses no packet and shows none a chain that was never desired, over 200 changes', async () => {
    const marks = [1, 2, 3, 4];
    const stampers = new Map(marks.map((mark) => [mark, stamping(`bpf_ntohs(ip->id) * 8 + ${mark}`)]));
    const reset = stamping('0');
    const chains = [[1, 2, 3, 4], [4, 3, 2, 1], [2, 1], [], [3], [1, 2, 3, 4], [1, 3, 2, 4]];
    const load = (generation: number, chain: number[]) =>
      loadGeneration(target, {
        generation,
        metadata: '',
        kfs: [
          kfLoad('reset', reset, { state: 'fresh' }),
          ...chain.map((mark) => kfLoad(`kf${mark}`, stampers.get(mark) ?? counting, { state: 'fresh' })),
          kfLoad('last', counting),
        ],
      });
    const stampOf = (chain: number[]): number => chain.reduce((id, mark) => (id * 8 + mark) & 0xffff, 0);
    await load(1, chains[0] ?? []);
    swapTo(target, 1);
    const flood = startFlood(pair);
    const changes = rounds('L3AF_CHAIN_CHANGES', 200);
    let live = 1;
    for (let change = 0; change < changes; change++) {
      const generation = live + 1;
      await load(generation, chains[change % chains.length] ?? []);
      swapTo(target, generation);
      if (change % 10 === 9) {
        swapTo(target, live); // a rollback, and forward again
        swapTo(target, generation);
      }
      expect(readCounters(target, live).broken).toBe(0);
      removeGeneration(target, live);
      live = generation;
    }
    const sent = await flood.stop();
    using stamps = openKfMap(target, live, { kf: 'last', map: 'stamps' });
    const allowed = new Set(chains.map(stampOf));
    let counted = 0;
    const never: number[] = [];
    for (const { key, value } of stamps.entries()) {
      const bytes = Buffer.from(value);
      let packets = 0;
      for (let at = 0; at < bytes.length; at += 8) packets += Number(bytes.readBigUInt64LE(at));
      const stamp = Buffer.from(key).readUInt32LE(0);
      if (packets > 0 && !allowed.has(stamp)) never.push(stamp);
      counted += packets;
    }
    expect(sent).toBeGreaterThan(changes * 5);
    expect({ never, lost: sent - counted }).toEqual({ never: [], lost: 0 });
  });

  test('leaks no descriptor, pin, program, map or memory over 1,000 revisions (L3AF_REVISIONS: or more)', async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    detach(target);
    const object = compileBpf(`
      struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } leaky_map SEC(".maps");
      SEC("xdp") int leaky_kf(struct xdp_md *ctx) { __u32 key = 0; return bpf_map_lookup_elem(&leaky_map, &key) ? XDP_PASS : XDP_DROP; }`);
    const program = 'leaky_kf';
    const named = (kind: 'program' | 'map', wanted: string): number => {
      const nameOf = kind === 'program' ? programInfo : mapInfo;
      return [...allIds(kind)].filter((id) => withId(kind, id, (fd) => nameOf(fd).name) === wanted).length;
    };
    const round = async (generation: number): Promise<void> => {
      await loadGeneration(target, {
        generation,
        metadata: '{}',
        kfs: [kfLoad('a', object, { program, state: 'fresh' }), kfLoad('b', object, { program })],
      });
      swapTo(target, generation);
      removeGeneration(target, generation - 1);
    };
    const first = 10_000;
    const revisions = rounds('L3AF_REVISIONS', 1000);
    await round(first);
    const open = descriptors();
    let warm = 0;
    for (let revision = 1; revision <= revisions; revision++) {
      await round(first + revision);
      if (revision === Math.ceil(revisions / 5)) warm = ownMemoryMib();
    }
    expect(descriptors()).toBeLessThanOrEqual(open + 2);
    expect(readdirSync(hookFolder(target)).sort()).toEqual([String(first + revisions), 'link']);
    // The kernel frees programs and maps a moment after their last user is gone.
    await waitFor(() => named('program', program) === 2 && named('map', 'leaky_map') === 2, 'two of each');
    // Less than what one revision's objects take, were they kept; the collector's own moods are smaller.
    expect(ownMemoryMib() - warm).toBeLessThan(Math.max(32, revisions / 50));
  });

  test('an XDP link that is not ours is never touched, and its owner is named', async () => {
    detach(target);
    const program = await loadPlain({
      object: compileBpf('SEC("xdp") int someone_else(struct xdp_md *ctx) { return XDP_PASS; }'),
      program: 'someone_else',
      hook: 'xdp',
    });
    const link = inNetns(target.netns, () =>
      createLink({
        programFd: program.fd,
        ifindex: target.ifindex,
        attachType: attachType.xdp,
        flags: linkFlags.xdpNative,
      }),
    );
    await loadGeneration(target, {
      generation: 1,
      metadata: '',
      kfs: [kfLoad('a', counting, { proceedOn: [xdpPass] })],
    });
    expect(() => swapTo(target, 1)).toThrow(/someone_else.* is on the hook/);
    detach(target);
    expect(readLink(target.netns, target.ifindex)?.xdp.native).toBe(program.programId);
    closeSync(link);
    program.close();
  });
});
