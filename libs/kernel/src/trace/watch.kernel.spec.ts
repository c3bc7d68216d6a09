import { existsSync } from 'node:fs';
import { compileBpf, createVethPair, needsFeature, startFlood, udpPacket, waitFor } from '@l3af/testing';
import {
  detach,
  generationPaths,
  listInterfaces,
  loadGeneration,
  observeHook,
  openKfMap,
  openWatch,
  probeFeatures,
  readCounters,
  removeGeneration,
  removeInstance,
  setEnabled,
  swapTo,
  testRunChain,
  type HookTarget,
  type KfLoad,
  type WatchRecord,
} from '../index';
import {
  choosingKf,
  countingKf,
  countingTcKf,
  hookFixture,
  kfLoad,
  legacyKf,
  rounds,
  u32,
  xdpDrop,
  xdpPass,
} from '../chain/chain-fixture';

const packet = udpPacket({ destinationPort: 2000 });
const other = udpPacket({ destinationPort: 9 });
const watch = { match: 'udp dst port 2000', packets: 100 };

const pass = compileBpf(countingKf(xdpPass));
const drop = compileBpf(countingKf(xdpDrop));
const stamp = compileBpf(`
  SEC("xdp") int kf(struct xdp_md *ctx) {
    unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    if (data + 24 > end) return XDP_PASS;
    data[22] = 77;
    return XDP_PASS;
  }`);
const longer = compileBpf(`
  SEC("xdp") int kf(struct xdp_md *ctx) {
    return bpf_xdp_adjust_head(ctx, -4) ? XDP_ABORTED : XDP_PASS;
  }`);
const legacy = compileBpf(legacyKf);
const choosing = compileBpf(choosingKf);
const tcMark = compileBpf(countingTcKf(0).replace('__u32 key = 0;', '__u32 key = 0; ctx->mark = 5;'));
const tcTag = compileBpf(
  'SEC("tc") int kf(struct __sk_buff *ctx) { bpf_skb_vlan_push(ctx, bpf_htons(0x8100), 7); return 0; }',
);
const tcShot = compileBpf(countingTcKf(2));
/** Counts IPv4 alone: a fresh interface has packets of its own to send. */
const onlyIpv4 = `
  if ((void *)(long)ctx->data + 14 > (void *)(long)ctx->data_end) return 2;
  if (*(__u16 *)((void *)(long)ctx->data + 12) != bpf_htons(0x0800)) return 2;
  __u32 key = 0;`;
const countAndDrop = compileBpf(countingKf(xdpDrop).replace('__u32 key = 0;', onlyIpv4));
const countAndShoot = compileBpf(countingTcKf(2).replace('__u32 key = 0;', onlyIpv4));
const frags = compileBpf('SEC("xdp.frags") int kf(struct xdp_md *ctx) { return XDP_PASS; }');

describe('a watched generation', () => {
  const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }));
  const tc: HookTarget = { ...target, hook: 'tc-ingress' };
  afterAll(() => {
    for (const one of [target, tc]) detach(one);
    removeInstance(target.instance);
    pair.stop();
  });
  const load = (generation: number, kfs: KfLoad[], more: { on?: HookTarget; packets?: number } = {}) =>
    loadGeneration(more.on ?? target, {
      generation,
      metadata: '',
      kfs,
      reuseFrom: null,
      watch: { ...watch, packets: more.packets ?? watch.packets },
    });
  const recordsOf = (generation: number, on = target) => {
    using seen = openWatch(on, generation);
    return seen.read().map(({ index, verdict, length }) => [index, verdict, length]);
  };

  test('records what each KF does to a packet that matches, and lets all others be', async () => {
    await load(1, [kfLoad('a', pass), kfLoad('stamp', stamp), kfLoad('longer', longer), kfLoad('end', drop)]);
    using seen = openWatch(target, 1);
    expect(testRunChain(target, 1, { dataIn: other }).verdict).toBe(xdpDrop);
    expect(seen.read()).toEqual([]);
    expect(testRunChain(target, 1, { dataIn: packet }).verdict).toBe(xdpDrop);
    const records = seen.read();
    expect(records.map(({ index, verdict, length }) => [index, verdict, length])).toEqual([
      [undefined, 0, packet.length],
      [0, xdpPass, packet.length],
      [1, xdpPass, packet.length],
      [2, xdpPass, packet.length + 4],
      [3, xdpDrop, packet.length + 4],
    ]);
    expect(new Set(records.map((record) => record.packet)).size).toBe(1);
    const stamped = Buffer.from(packet);
    stamped[22] = 77;
    expect(records.slice(0, 3).map(({ bytes }) => bytes)).toEqual([packet, packet, stamped]);
    expect(records[4]?.bytes.subarray(4)).toEqual(stamped);
    for (const { nanoseconds } of records) expect(nanoseconds).toBeGreaterThan(0n);
    const { kfs, broken } = readCounters(target, 1);
    expect(broken).toBe(0);
    expect(kfs.map(({ proceeded }) => proceeded)).toEqual([2, 2, 2, 0]);
    expect(kfs[3]?.verdicts).toEqual({ DROP: 2 });
  });

  test('stops recording after the packets that are wanted', async () => {
    await load(2, [kfLoad('a', pass)], { packets: 3 });
    testRunChain(target, 2, { dataIn: packet, repeat: 1000 });
    expect(recordsOf(2)).toHaveLength(6);
    const closed = openWatch(target, 2);
    closed.close();
    expect(closed.read()).toEqual([]);
    expect(readCounters(target, 2).kfs[0]?.proceeded).toBe(1000);
  });

  test('records KFs that tail-call by themselves, and goes past those that are switched off', async () => {
    await load(3, [
      kfLoad('legacy', legacy),
      kfLoad('off', drop, { enabled: false }),
      kfLoad('own', choosing, { proceedOn: [xdpPass, xdpDrop] }),
      kfLoad('end', pass),
    ]);
    testRunChain(target, 3, { dataIn: packet });
    const length = packet.length;
    expect(recordsOf(3)).toEqual([
      [undefined, 0, length],
      [0, xdpPass, length],
      [2, xdpDrop, length],
      [3, xdpPass, length],
    ]);
    setEnabled(target, 3, { kf: 'legacy', enabled: false });
    testRunChain(target, 3, { dataIn: packet });
    expect(recordsOf(3).map(([index]) => index)).toEqual([undefined, 2, 3]);
  });

  const withFrags = needsFeature({
    name: 'xdp.frags',
    since: '5.18',
    found: probeFeatures().supported['xdp-frags'] === true,
  });
  withFrags('records chains that are built for packets of several buffers', async () => {
    await load(4, [kfLoad('a', frags)]);
    const large = Buffer.concat([packet, Buffer.alloc(6000)]);
    testRunChain(target, 4, { dataIn: large });
    expect(recordsOf(4)).toEqual([
      [undefined, 0, large.length],
      [0, xdpPass, large.length],
    ]);
  });

  test('records a TC chain, whose end leaves the verdict to others', async () => {
    const chain = [kfLoad('mark', tcMark, { proceedOn: [0] }), kfLoad('end', tcMark, { proceedOn: [0] })];
    await load(1, chain, { on: tc });
    expect(testRunChain(tc, 1, { dataIn: packet }).verdict | 0).toBe(-1);
    expect(recordsOf(1, tc)).toEqual([
      [undefined, 0, packet.length],
      [0, 0, packet.length],
      [1, 0, packet.length],
    ]);
    await load(2, [kfLoad('shot', tcShot, { proceedOn: [] })], { on: tc });
    expect(testRunChain(tc, 2, { dataIn: packet }).verdict).toBe(2);
    expect(recordsOf(2, tc).at(-1)).toEqual([0, 2, packet.length]);
  });

  test.each([target, tc])(
    'comes and goes under load without losing a packet, its state with it: $hook',
    async (on) => {
      for (const one of [target, tc]) detach(one);
      const kfs = [kfLoad('end', on.hook === 'xdp' ? countAndDrop : countAndShoot, { proceedOn: [] })];
      await loadGeneration(on, { generation: 1, metadata: '', kfs });
      swapTo(on, 1);
      const flood = startFlood(pair);
      const seen = (): number => {
        using map = openKfMap(on, 1, { kf: 'end', map: 'seen' });
        return Number(Buffer.from(map.lookup(u32(0)) ?? []).readBigUInt64LE(0));
      };
      await waitFor(() => seen() > 0, 'the first packet');
      const packets = 5;
      for (let round = 0; round < rounds('L3AF_CHAIN_CHANGES', 50); round++) {
        await loadGeneration(on, {
          generation: 2,
          metadata: '',
          kfs,
          watch: { match: 'dst port 4000', packets },
        });
        expect(swapTo(on, 2).firstAttach).toBe(false);
        expect(observeHook(on)).toMatchObject({ drift: [], live: { generation: 2 } });
        using watching = openWatch(on, 2);
        const records: WatchRecord[] = [];
        await waitFor(() => records.push(...watching.read()) >= 2 * packets, 'the packets that are wanted');
        expect(records[1]).toMatchObject({ index: 0, verdict: on.hook === 'xdp' ? xdpDrop : 2 });
        swapTo(on, 1);
        removeGeneration(on, 2);
        expect(existsSync(generationPaths(on, 2).folder)).toBe(false);
      }
      const sent = await flood.stop();
      expect({ lost: sent - seen() }).toEqual({ lost: 0 });
    },
  );

  test('sees the VLAN of a packet on a TC hook, although the kernel has taken the tag out of it', async () => {
    for (const one of [target, tc]) detach(one);
    const { ifindex = 0 } = listInterfaces(pair.peerPath).find(({ name }) => name === pair.peerName) ?? {};
    const sender = {
      ...tc,
      interface: pair.peerName,
      hook: 'tc-egress',
      ifindex,
      netns: pair.peerPath,
    } as const;
    await loadGeneration(sender, {
      generation: 1,
      metadata: '',
      kfs: [kfLoad('tag', tcTag, { proceedOn: [0] })],
    });
    swapTo(sender, 1);
    await loadGeneration(tc, {
      generation: 1,
      metadata: '',
      kfs: [kfLoad('end', tcMark, { proceedOn: [0] })],
      watch: { match: 'vlan 7 and not vlan 8 and udp dst port 4000', packets: 1 },
    });
    swapTo(tc, 1);
    using watching = openWatch(tc, 1);
    pair.sendUdp('peer', { port: 4000, count: 1 });
    const records: WatchRecord[] = [];
    await waitFor(() => records.push(...watching.read()) >= 2, 'the tagged packet');
    expect(records[0]?.bytes.readUInt16BE(12)).toBe(0x0800);
    detach(sender);
    detach(tc);
  });

  test('an expression that means nothing is refused before anything is loaded', async () => {
    const kfs = [kfLoad('a', pass)];
    const loading = loadGeneration(target, {
      generation: 9,
      metadata: '',
      kfs,
      watch: { match: 'tpc', packets: 1 },
    });
    await expect(loading).rejects.toMatchObject({ code: 'invalid-match', details: { position: 1 } });
    expect(existsSync(generationPaths(target, 9).folder)).toBe(false);
  });
});
