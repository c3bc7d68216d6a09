import { compileBpf, createVethPair, needsFeature } from '@l3af/testing';
import { existsSync, readFileSync } from 'node:fs';
import {
  detach,
  generationPaths,
  loadGeneration,
  observeHook,
  openKfMap,
  removeInstance,
  swapTo,
} from '../index';
import { hookFixture, kfLoad, u32 } from '../chain/chain-fixture';
import { atLeast } from '../features/kernel';
import { parseTracing } from './tracing';

const object = (): Buffer =>
  compileBpf(`
    struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
    SEC("xdp") int kf(struct xdp_md *ctx) { return XDP_PASS; }
    SEC("tracepoint/syscalls/sys_enter_getpid") int on_getpid(void *ctx) { return 0; }
    SEC("raw_tp/sys_enter") int on_enter(void *ctx) {
      __u32 key = 0; __u64 *count = bpf_map_lookup_elem(&seen, &key);
      if (count) __sync_fetch_and_add(count, 1);
      return 0;
    }`);

/** No probe: only a tracepoint that is there could be asked. The kernel's number stands for it. */
const run = needsFeature({ name: 'links of perf events', since: '5.15', found: atLeast('5.15') });

describe('tracing programs that an object brings along', () => {
  const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }));
  afterAll(() => {
    removeInstance(target.instance);
    pair.stop();
  });
  run('run while their generation is live, and are released with it', async () => {
    const load = (generation: number) =>
      loadGeneration(target, { generation, metadata: '', kfs: [kfLoad('kf', object())] });
    const link = (generation: number): boolean =>
      existsSync(generationPaths(target, generation).kfLink({ index: 0, name: 'kf' }, 'on_enter'));
    const seen = (generation: number): number => {
      using map = openKfMap(target, generation, { kf: 'kf', map: 'seen' });
      return Number(Buffer.from(map.lookup(u32(0)) ?? []).readBigUInt64LE(0));
    };
    await load(1);
    expect(seen(1)).toBe(0);
    expect(link(1)).toBe(false);
    swapTo(target, 1);
    expect(link(1)).toBe(true);
    readFileSync('/proc/uptime');
    expect(seen(1)).toBeGreaterThan(0);
    expect((await load(2)).kfs[0]?.reusedMaps).toEqual(['seen']);
    swapTo(target, 2);
    expect([link(1), link(2)]).toEqual([false, true]);
    detach(target);
    expect(link(2)).toBe(false);
  });
  run('that cannot be attached leave the hook as it was', async () => {
    const before = observeHook(target);
    const missing = compileBpf(`
      SEC("xdp") int kf(struct xdp_md *ctx) { return XDP_PASS; }
      SEC("tracepoint/none/such") int on_none(void *ctx) { return 0; }`);
    await loadGeneration(target, { generation: 3, metadata: '', kfs: [kfLoad('kf', missing)] });
    expect(() => swapTo(target, 3)).toThrow('this kernel has no such tracepoint');
    expect(observeHook(target).attached).toBe(before.attached);
  });
  test('sections say where they go', () => {
    expect(parseTracing('tp/net/netif_rx')).toEqual({
      kind: 'tracepoint',
      category: 'net',
      name: 'netif_rx',
    });
    expect(parseTracing('raw_tp/sys_enter')).toEqual({ kind: 'raw-tracepoint', name: 'sys_enter' });
    expect(parseTracing('uprobe//bin/bash:0x10')).toEqual({
      kind: 'uprobe',
      binary: '/bin/bash',
      offset: 16,
      atReturn: false,
    });
    expect(parseTracing('kprobe/x')).toBeUndefined();
  });
});
