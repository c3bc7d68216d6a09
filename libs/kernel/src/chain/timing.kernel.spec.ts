import { existsSync } from 'node:fs';
import { compileBpf, createVethPair, udpPacket } from '@l3af/testing';
import {
  detach,
  generationPaths,
  loadGeneration,
  observeHook,
  openKfMap,
  readCounters,
  removeGeneration,
  removeInstance,
  setEnabled,
  swapTo,
  testRunChain,
} from '../index';
import type { Hook } from '@l3af/contracts';
import type { HookTarget } from '../types';
import {
  choosingKf,
  countingKf,
  countingTcKf,
  hookFixture,
  kfLoad,
  legacyKf,
  u32,
  xdpDrop,
  xdpPass,
} from './chain-fixture';

/** So many packets that none of 64 being timed is out of the question. */
const packets = 20_000;

/** Takes far longer than anything else in these chains. */
const slow = compileBpf(`
  SEC("xdp") int kf(struct xdp_md *ctx) {
    __u32 sum = 0;
    for (int round = 0; round < 2000; round++) sum += bpf_get_prandom_u32();
    return sum == 12345 ? XDP_ABORTED : XDP_PASS;
  }`);
/** Leaves no room for a timer in place, so the calling glue is tried, which has none either for much more than this. */
const deep = compileBpf(`
  SEC("xdp") int kf(struct xdp_md *ctx) {
    volatile char room[476];
    for (int i = 0; i < 476; i++) room[i] = i;
    return room[bpf_get_prandom_u32() & 255] == 300 ? XDP_DROP : XDP_PASS;
  }`);
const legacy = compileBpf(legacyKf);
const choosing = compileBpf(choosingKf);

describe('a timed generation', () => {
  const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }));
  const tc: HookTarget = { ...target, hook: 'tc-ingress' satisfies Hook };
  afterAll(() => {
    for (const one of [target, tc]) detach(one);
    removeInstance(target.instance);
    pair.stop();
  });
  const pass = compileBpf(countingKf(xdpPass));
  const drop = compileBpf(countingKf(xdpDrop));
  const seen = (generation: number, kf: string): number => {
    using map = openKfMap(target, generation, { kf, map: 'seen' });
    return Number(Buffer.from(map.lookup(u32(0)) ?? []).readBigUInt64LE(0));
  };
  const run = (generation: number, on = target) =>
    testRunChain(on, generation, { dataIn: udpPacket(), repeat: packets });

  test('measures each KF on some packets, and each packet runs each KF once', async () => {
    const kfs = [kfLoad('a', pass), kfLoad('slow', slow), kfLoad('deep', deep), kfLoad('end', drop)];
    await loadGeneration(target, { generation: 1, metadata: '', kfs, timed: true });
    expect(run(1).verdict).toBe(xdpDrop);
    expect([seen(1, 'a'), seen(1, 'end')]).toEqual([packets, packets]);
    const { kfs: counts, broken } = readCounters(target, 1);
    expect(broken).toBe(0);
    expect(counts.map(({ proceeded }) => proceeded)).toEqual([packets, packets, packets, 0]);
    expect(counts[3]?.verdicts).toEqual({ DROP: packets });
    const [a, heavy, , end] = counts.map(({ nanoseconds }) => nanoseconds);
    // It is hundreds of times slower; on a busy machine an interruption in one of the few samples of the others shrinks that.
    expect(heavy).toBeGreaterThan(2 * Math.max(1, a!));
    expect(heavy).toBeGreaterThan(2 * Math.max(1, end!));
  });

  test('takes the place of the plain one on the hook with its state, and its switches work on both lanes', async () => {
    const kfs = [kfLoad('a', pass), kfLoad('b', pass)];
    await loadGeneration(target, { generation: 2, metadata: '', kfs, reuseFrom: null });
    swapTo(target, 2);
    run(2);
    const before = seen(2, 'b');
    await loadGeneration(target, { generation: 3, metadata: '', kfs, timed: true });
    expect(swapTo(target, 3).firstAttach).toBe(false);
    expect(observeHook(target)).toMatchObject({ attached: true, drift: [], live: { generation: 3 } });
    run(3);
    expect(seen(3, 'b')).toBeGreaterThanOrEqual(before + packets);
    setEnabled(target, 3, { kf: 'a', enabled: false });
    const then = seen(3, 'a');
    expect(run(3).verdict).toBe(xdpPass);
    expect(seen(3, 'a')).toBe(then);
    setEnabled(target, 3, { kf: 'b', enabled: false });
    const last = seen(3, 'b');
    expect(run(3).verdict).toBe(xdpPass);
    expect(seen(3, 'b')).toBe(last);
    expect(observeHook(target)).toMatchObject({ attached: true, drift: [], live: { generation: 3 } });
    expect(readCounters(target, 3).broken).toBe(0);
    swapTo(target, 2);
    removeGeneration(target, 3);
    expect(existsSync(generationPaths(target, 3).folder)).toBe(false);
    expect(observeHook(target)).toMatchObject({ attached: true, drift: [], live: { generation: 2 } });
  });

  test('of KFs that tail-call by themselves', async () => {
    const kfs = [kfLoad('legacy', legacy), kfLoad('own', choosing, { proceedOn: [xdpPass, xdpDrop] })];
    await loadGeneration(target, { generation: 4, metadata: '', kfs, reuseFrom: null, timed: true });
    expect(run(4).verdict).toBe(xdpDrop);
    const { kfs: counts, broken } = readCounters(target, 4);
    expect({ broken, proceeded: counts.map(({ proceeded }) => proceeded) }).toEqual({
      broken: 0,
      proceeded: [packets, packets],
    });
    expect(counts.map(({ nanoseconds }) => typeof nanoseconds)).toEqual(['number', 'number']);
  });

  test('of a TC chain leaves its verdict to others on the hook', async () => {
    const kfs = [
      kfLoad('a', compileBpf(countingTcKf(0)), { proceedOn: [0] }),
      kfLoad('b', compileBpf(countingTcKf(0)), { proceedOn: [0] }),
    ];
    await loadGeneration(tc, { generation: 1, metadata: '', kfs, timed: true });
    expect(run(1, tc).verdict | 0).toBe(-1);
    const { kfs: counts } = readCounters(tc, 1);
    expect(counts.map(({ proceeded }) => proceeded)).toEqual([packets, packets]);
    expect(counts.map(({ nanoseconds }) => typeof nanoseconds)).toEqual(['number', 'number']);
  });
});
