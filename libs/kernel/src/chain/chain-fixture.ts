import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { HookTarget, KfLoad } from '../types';
import type { Hook } from '@l3af/contracts';

export const xdpPass = 2;
export const xdpDrop = 1;

/** An XDP KF that returns a verdict and counts its packets in `seen`. */
export const countingKf = (verdict: number, extra = ''): string => `
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
${extra}
SEC("xdp") int kf(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *count = bpf_map_lookup_elem(&seen, &key);
  if (count) __sync_fetch_and_add(count, 1);
  return ${verdict};
}`;

/** The same for TC. */
export const countingTcKf = (verdict: number, extra = ''): string =>
  countingKf(verdict, extra).replace('SEC("xdp")', 'SEC("tc")').replace('xdp_md', '__sk_buff');

/** An XDP KF that ends by a tail call into a map that somebody else fills: what KFs did before there was the glue. */
export const legacyKf = `
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } next SEC(".maps");
SEC("xdp") int kf(struct xdp_md *ctx) { bpf_tail_call(ctx, &next, 0); return XDP_PASS; }`;

/** An XDP KF that leaves its verdict, a drop, to a program of its own that it calls by a tail call. */
export const choosingKf = `
int inner(struct xdp_md *ctx);
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __type(key, __u32); __array(values, int(void *));
} own SEC(".maps") = { .values = { [0] = (void *)&inner } };
SEC("xdp") int inner(struct xdp_md *ctx) { return XDP_DROP; }
SEC("xdp") int kf(struct xdp_md *ctx) { bpf_tail_call(ctx, &own, 0); return XDP_PASS; }`;

/** A KF as the executor gives it, with everything but the object at its default. */
export function kfLoad(name: string, object: Uint8Array, more: Partial<KfLoad> = {}): KfLoad {
  return {
    name,
    object,
    program: 'kf',
    proceedOn: [xdpPass],
    enabled: true,
    constants: [],
    writes: [],
    digest: `sha256:${name}`,
    state: 'keep',
    ...more,
  };
}

/** What of a veth pair a target needs. */
interface Veth {
  name: string;
  ifindex: number;
  netnsPath: string;
}

/** A hook of its own for one test: an instance nobody else uses, on a veth pair. */
export function hookFixture<Pair extends Veth>(
  pair: Pair,
  hook: Hook = 'xdp',
  more: Partial<HookTarget> = {},
): { pair: Pair; target: HookTarget } {
  const target: HookTarget = {
    instance: `test-${process.pid}-${randomBytes(3).toString('hex')}`,
    node: 'node.one',
    interface: pair.name,
    hook,
    ifindex: pair.ifindex,
    netns: pair.netnsPath,
    ...more,
  };
  return { pair, target };
}

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
export const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** What node needs to run a module of this library (a path without extension): its TypeScript, or what it was compiled to. */
export const childArguments = (path: string): string[] =>
  __filename.endsWith('.ts')
    ? ['--conditions=l3af-src', '-r', join(__dirname, '../../test/register-ts.cjs'), `${path}.ts`]
    : [`${path}.js`];

/** How often a test repeats: fewer times where an emulated machine runs it (the variable says so). */
export const rounds = (variable: string, usual: number): number => Number(process.env[variable] ?? usual);
