import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileBpf, needsFeature, udpPacket, type CompileOptions } from '@l3af/testing';
import type { Hook } from '@l3af/contracts';
import { deriveSchema } from '@l3af/bpf-object';
import { openPin } from '../bpf/pin';
import { atLeast } from '../features/kernel';
import { testRunFd } from '../bpf/program';
import {
  generationPaths,
  loadGeneration,
  openKfMap,
  probeFeatures,
  readCounters,
  removeGeneration,
  removeInstance,
} from '../index';
import type { HookTarget, KfLoad, LoadedKf } from '../types';
import { countingKf, countingTcKf, kfLoad, u32, xdpPass } from './chain-fixture';

function withoutSection(object: Buffer, section: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-object-'));
  try {
    const path = join(folder, 'kf.o');
    writeFileSync(path, object);
    execFileSync('llvm-objcopy', [`--remove-section=${section}`, `--remove-section=.rel${section}`, path]);
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Programs in one object, each behind the glue between two counting KFs: what passes must reach the last one. */
describe('any program can be chained', () => {
  const targetOf = (hook: Hook): HookTarget => ({
    instance: `any-${process.pid}`,
    node: 'n',
    interface: 'lo',
    hook,
    ifindex: 1,
  });
  afterAll(() => removeInstance(`any-${process.pid}`));
  let generation = 0;

  async function chained(
    source: string | Buffer,
    { hook = 'xdp', debug = true, ...more }: Partial<KfLoad> & CompileOptions & { hook?: Hook } = {},
  ): Promise<{
    kf: LoadedKf | undefined;
    verdict: number;
    reachedLast: number;
    run: () => number;
    done: () => void;
    at: { target: HookTarget; generation: number };
  }> {
    const target = targetOf(hook);
    const object = typeof source === 'string' ? compileBpf(source, { debug }) : source;
    const outer = compileBpf(hook === 'xdp' ? countingKf(xdpPass) : countingTcKf(0));
    const proceedOn = hook === 'xdp' ? [xdpPass] : [0, 3, -1];
    const load = {
      generation: ++generation,
      metadata: '',
      kfs: [
        kfLoad('first', outer, { proceedOn }),
        kfLoad('it', object, { proceedOn, ...more }),
        kfLoad('last', outer, { proceedOn }),
      ],
    };
    const loaded = await loadGeneration(target, load);
    const fd = openPin(generationPaths(target, load.generation).kfProgram(0, 'first')) ?? -1;
    const run = (): number => testRunFd(fd, { dataIn: udpPacket() }).verdict;
    const verdict = run();
    using map = openKfMap(target, load.generation, { kf: 'last', map: 'seen' });
    const reachedLast = Number(Buffer.from(map.lookup(u32(0)) ?? []).readBigUInt64LE(0));
    expect(readCounters(target, load.generation).broken).toBe(0);
    const done = (): void => {
      closeSync(fd);
      removeGeneration(target, load.generation);
    };
    return {
      kf: loaded.kfs[1],
      verdict,
      reachedLast,
      run,
      done,
      at: { target, generation: load.generation },
    };
  }

  const reaches = async (
    source: string | Buffer,
    more: Parameters<typeof chained>[1] & { glue?: LoadedKf['glue'] } = {},
  ): Promise<void> => {
    const { glue = 'epilogue', ...rest } = more;
    const { kf, verdict, reachedLast, done } = await chained(source, rest);
    done();
    expect({ glue: kf?.glue, reachedLast, verdict }).toEqual({
      glue,
      reachedLast: 1,
      verdict: rest.hook === undefined || rest.hook === 'xdp' ? xdpPass : -1,
    });
  };

  const subprograms = `
    static __attribute__((noinline)) int deep(struct xdp_md *ctx, int n) { volatile char room[64] = {}; room[n & 63] = 1; return room[n & 31] + 1; }
    __attribute__((noinline)) int global(struct xdp_md *ctx) { volatile int one = 1; return one ? deep(ctx, 3) : 0; }
    SEC("xdp") int kf(struct xdp_md *ctx) { int a = global(ctx); if (a < 0) return XDP_DROP; return deep(ctx, a) >= 0 ? XDP_PASS : XDP_DROP; }`;

  test('with static and global subprograms', () => reaches(subprograms));
  test('without BTF', () =>
    reaches('SEC("xdp") int kf(struct xdp_md *ctx) { return XDP_PASS; }', { debug: false }));
  test('with subprograms and without BTF', () => reaches(subprograms, { debug: false }));
  test('whose entry takes void *', () => reaches('SEC("xdp") int kf(void *ctx) { return XDP_PASS; }'));
  test('whose entry takes a private context type, behind the calling glue', () =>
    reaches(
      `struct my_context { __u32 data, data_end; };
       struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } next_kf SEC(".maps");
       SEC("xdp") int kf(struct my_context *ctx) { bpf_tail_call(ctx, &next_kf, 0); return ctx->data_end > ctx->data ? XDP_PASS : XDP_DROP; }`,
      { glue: 'calling' },
    ));
  const legacy = `
    struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __uint(key_size, 4); __uint(value_size, 4); } xdp_rl_ingress_next_prog SEC(".maps");
    SEC("xdp_ratelimiting") int kf(struct xdp_md *ctx) { bpf_tail_call(ctx, &xdp_rl_ingress_next_prog, 0); return XDP_PASS; }`;
  test('that tail-calls through its own empty map, as legacy KFs do', () =>
    reaches(legacy, { glue: 'calling' }));
  test('that tail-calls by itself and has no function records', () =>
    reaches(withoutSection(compileBpf(legacy), '.BTF.ext'), { glue: 'calling' }));
  test('in a section that nobody knows, where the hook decides the type', async () => {
    await reaches('SEC("ep_rl") int kf(struct xdp_md *ctx) { return XDP_PASS; }');
    await reaches('SEC("ep_rl") int kf(struct __sk_buff *ctx) { return ctx->len ? 0 : 2; }', {
      hook: 'tc-ingress',
    });
  });
  test('of several in one object, each chosen by its function', async () => {
    const two = `
      SEC("xdp") int first(struct xdp_md *ctx) { return XDP_DROP; }
      SEC("xdp") int kf(struct xdp_md *ctx) { return XDP_PASS; }
      SEC("tc") int third(struct __sk_buff *ctx) { return 2; }`;
    await reaches(two);
    const { verdict, reachedLast, done } = await chained(two, { program: 'first' });
    done();
    expect({ verdict, reachedLast }).toEqual({ verdict: 1, reachedLast: 0 });
    const tc = await chained(two, { program: 'third', hook: 'tc-egress' });
    tc.done();
    expect(tc.verdict).toBe(2);
  });
  test('with global data, constants and strings', async () => {
    const source = `
      const volatile __u32 wanted = 7; __u64 packets; __u32 factor = 3;
      SEC("xdp") int kf(struct xdp_md *ctx) { __sync_fetch_and_add(&packets, factor); return wanted == 42 ? XDP_PASS : XDP_DROP; }`;
    const constants = [{ section: '.rodata', offset: 0, bytes: u32(42) }];
    await reaches(source, { constants });
    const { verdict, done } = await chained(source);
    done();
    expect(verdict).toBe(1);
  });
  test('with a spin lock, a hash of maps, a ring buffer, an LPM trie and per-CPU maps', () =>
    reaches(`
      struct value { struct bpf_spin_lock lock; __u64 n; };
      struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } inner_map SEC(".maps");
      struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct value); } locked SEC(".maps");
      struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 4); __type(key, __u32); __array(values, struct inner); } outer SEC(".maps") = { .values = { [0] = &inner_map } };
      struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
      struct key { __u32 prefix; __u32 address; };
      struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 8); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct key); __type(value, __u32); } trie SEC(".maps");
      struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } per_cpu SEC(".maps");
      SEC("xdp") int kf(struct xdp_md *ctx) {
        __u32 zero = 0; struct key key = { 32, 1 }; __u64 one = 1;
        struct value *value = bpf_map_lookup_elem(&locked, &zero);
        if (!value) return XDP_DROP;
        bpf_spin_lock(&value->lock); value->n++; bpf_spin_unlock(&value->lock);
        void *found = bpf_map_lookup_elem(&outer, &zero);
        if (!found) return XDP_DROP;
        __u64 *event = bpf_ringbuf_reserve(&events, 8, 0);
        if (event) { *event = 1; bpf_ringbuf_submit(event, 0); }
        bpf_map_update_elem(&per_cpu, &zero, &one, 0);
        return bpf_map_lookup_elem(&trie, &key) ? XDP_DROP : XDP_PASS;
      }`));
  const callbacks = { name: 'callback functions', since: '5.13', found: atLeast('5.13') };
  needsFeature(callbacks)('with a callback function', () =>
    reaches(`
      struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } four SEC(".maps");
      static long each(void *map, __u32 *key, __u64 *value, __u64 *sum) { *sum += 1; return 0; }
      SEC("xdp") int kf(struct xdp_md *ctx) { __u64 sum = 0; bpf_for_each_map_elem(&four, each, &sum, 0); return XDP_PASS; }`),
  );
  const frags = { name: 'xdp-frags', since: '5.18', found: probeFeatures().supported['xdp-frags'] === true };
  needsFeature(frags)('with xdp.frags when all of the chain are', async () => {
    const target = targetOf('xdp');
    const frags = (verdict: string): Buffer =>
      compileBpf(`SEC("xdp.frags") int kf(struct xdp_md *ctx) { return ${verdict}; }`);
    const kfs = [kfLoad('a', frags('XDP_PASS')), kfLoad('b', frags('XDP_TX'))];
    await loadGeneration(target, { generation: ++generation, metadata: '', kfs });
    const fd = openPin(generationPaths(target, generation).kfProgram(0, 'a')) ?? -1;
    expect(testRunFd(fd, { dataIn: udpPacket() }).verdict).toBe(3);
    closeSync(fd);
    await expect(
      loadGeneration(target, {
        generation: ++generation,
        metadata: '',
        kfs: [...kfs, kfLoad('c', compileBpf(countingKf(xdpPass)))],
      }),
    ).rejects.toMatchObject({ code: 'frags-mismatch', details: { frags: 'a, b', linear: 'c' } });
  });
  test('with legacy packet loads that leave the program by themselves', () =>
    reaches(
      `unsigned long long load_byte(void *skb, unsigned long long off) asm("llvm.bpf.load.byte");
       SEC("tc") int kf(struct __sk_buff *ctx) { return load_byte(ctx, 5000) == 7 ? 2 : 6; }`,
      { hook: 'tc-ingress', glue: 'calling' },
    ));
  test('that uses 480 bytes of stack', () =>
    reaches(`
      SEC("xdp") int kf(struct xdp_md *ctx) { volatile char room[476]; for (int i = 0; i < 476; i++) room[i] = i; return room[bpf_get_prandom_u32() & 255] == 300 ? XDP_DROP : XDP_PASS; }`));
  test('that returns its verdict from a wider or narrower type', async () => {
    await reaches('SEC("tc") long kf(struct __sk_buff *ctx) { return -1; }', { hook: 'tc-ingress' });
    await reaches('SEC("xdp") unsigned char kf(struct xdp_md *ctx) { return XDP_PASS; }');
  });
  test('whose own tail call succeeds: the chain goes on with its verdict', async () => {
    const source = `
      int other(struct xdp_md *ctx);
      struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int (struct xdp_md *)); } jumps SEC(".maps") = { .values = { [1] = (void *)&other } };
      SEC("xdp") int other(struct xdp_md *ctx) { return XDP_PASS; }
      SEC("xdp") int kf(struct xdp_md *ctx) { bpf_tail_call(ctx, &jumps, 1); return XDP_DROP; }`;
    await reaches(source, { glue: 'calling' });
  });

  const folder = ['/usr/lib/x86_64-linux-gnu/bpf', '/usr/lib/aarch64-linux-gnu/bpf', '/usr/lib/bpf'].find(
    existsSync,
  );
  const installed = [
    'alw_all',
    'alw_eth',
    'alw_ip',
    'alw_tcp',
    'alw_udp',
    'dny_all',
    'dny_eth',
    'dny_ip',
    'dny_tcp',
    'dny_udp',
  ];
  test.each(installed.map((name) => `xdpfilt_${name}.o`))("xdp-tools' %s, unmodified", async (name) => {
    if (folder === undefined) throw new Error('xdp-tools is not installed');
    const object = readFileSync(`${folder}/${name}`);
    const [program] = deriveSchema(object).programs.filter(({ type }) => type === 'xdp' || type === null);
    const { verdict, done, kf } = await chained(object, { program: program?.name ?? '' });
    done();
    expect(kf?.programId).toBeGreaterThan(0);
    // With empty maps the "deny" filters pass everything, and the "allow" filters drop what they look at.
    expect([1, 2]).toContain(verdict);
  });
});
