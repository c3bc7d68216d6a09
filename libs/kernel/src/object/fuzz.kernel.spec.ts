import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileBpf } from '@l3af/testing';
import { childArguments, countingKf, rounds } from '../chain/chain-fixture';
import type { FuzzJob } from './fuzz-child';

jest.setTimeout(3_600_000);
const child = childArguments(join(__dirname, 'fuzz-child'));

const sources = [
  countingKf(2),
  `const volatile int wanted = 1; __u64 packets;
   static __attribute__((noinline)) int deep(int n) { volatile int m = n; return m; }
   SEC("xdp") int kf(struct xdp_md *ctx) { packets += deep(wanted); return 2; }
   SEC("tc") int other(struct __sk_buff *ctx) { return 0; }`,
  `struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } inner_map SEC(".maps");
   struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 4); __type(key, __u32); __array(values, struct inner); } outer SEC(".maps") = { .values = { [0] = &inner_map } };
   SEC("ep") int kf(struct xdp_md *ctx) { __u32 zero = 0; return bpf_map_lookup_elem(&outer, &zero) ? 2 : 1; }`,
];

test('mutated objects neither crash the process nor leave anything', () => {
  const seed = Number(process.env['L3AF_FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
  const count = rounds('L3AF_FUZZ_COUNT', 400);
  const folder = mkdtempSync(join(tmpdir(), 'l3af-fuzz-'));
  try {
    const paths = sources.map((source, index) => {
      const path = join(folder, `${index}.o`);
      writeFileSync(path, compileBpf(source));
      return path;
    });
    const target = {
      instance: `fuzz-${process.pid}`,
      node: 'n',
      interface: 'lo',
      hook: 'xdp' as const,
      ifindex: 1,
    };
    const job: FuzzJob = { seed, count, from: 0, paths, target };
    const result = spawnSync(process.execPath, [...child, JSON.stringify(job)], {
      encoding: 'utf8',
      env: { ...process.env, L3AF_FUZZ_CHILD: '1' },
      maxBuffer: 64 * 1024 * 1024,
    });
    const last = result.stdout.trim().split('\n').at(-1) ?? '';
    // Says how to come back to it: L3AF_FUZZ_SEED.
    expect({ seed, signal: result.signal, stderr: result.stderr, last: last.slice(0, 20) }).toMatchObject({
      seed,
      signal: null,
      stderr: '',
    });
    expect(JSON.parse(last)).toMatchObject({ leaked: 0 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
