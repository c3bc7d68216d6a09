import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deriveSchema } from '@l3af/bpf-object';
import type { ChainKey, DesiredKf } from '@l3af/contracts';
import { ensureBpffs, removeInstance } from '@l3af/kernel';
import { createLogger } from '@l3af/telemetry';
import type { Artifact } from '../artifact/artifact-store';
import { CounterLedger } from '../chain/ledger';
import { ChainMemory } from '../chain/memory';
import { Reconciler } from '../chain/reconcile';
import { Outbox } from '../report/outbox';
import { Reporter } from '../report/reporter';

/** Chain lengths that are measured. */
const lengths = [1, 5, 10, 20];
const rounds = 7;
const inside = 'L3AF_BENCH_INSIDE';

interface Point {
  n: number;
  /** Milliseconds from the revision's arrival to the chain being live, best and median of the rounds. */
  applyMs: number;
  applyMedianMs: number;
  /** Milliseconds of `xdp-loader load` of the same objects, one after the other; null without xdp-loader. */
  xdpLoaderMs: number | null;
}

const source = (index: number): string => `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
SEC("xdp") int kf${index}(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *count = bpf_map_lookup_elem(&seen, &key);
  if (count) __sync_fetch_and_add(count, ${index + 1});
  return XDP_PASS;
}
char LICENSE[] SEC("license") = "GPL";
`;

function compile(folder: string, index: number): string {
  const path = join(folder, `kf${index}`);
  writeFileSync(`${path}.bpf.c`, source(index));
  const include = `-I/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  execFileSync('clang', ['-O2', '-g', '-target', 'bpf', include, '-c', `${path}.bpf.c`, '-o', `${path}.o`]);
  return `${path}.o`;
}

const digestOf = (index: number): string => `sha256:${String(index).padStart(64, '0')}`;

const desiredKf = (index: number, tag: string): DesiredKf => ({
  name: `${tag}-${index}`,
  package: `kf${index}`,
  version: '1.0.0',
  digest: digestOf(index),
  program: `kf${index}`,
  enabled: true,
  proceedOn: ['PASS'],
  config: {},
  state: 'keep',
});

/** The executor's own path from a desired chain to a live one, with packages that were pulled and verified before. */
class Bench {
  private readonly instance = `bench-${process.pid}`;
  private readonly reconciler: Reconciler;
  private readonly memory: ChainMemory;
  private readonly key: ChainKey = { node: 'bench', interface: 'lo', hook: 'xdp' };
  private sequence = 0;

  constructor(folder: string, artifacts: ReadonlyMap<string, Artifact>) {
    const log = createLogger('bench', 'error');
    this.memory = new ChainMemory(join(folder, 'chains.json'));
    this.reconciler = new Reconciler({
      settings: {
        natsUrl: '',
        logLevel: 'error',
        metricsPort: undefined,
        node: 'bench',
        netns: undefined,
        instance: this.instance,
        registryUrl: '',
        trustedKeys: undefined,
        cacheDir: folder,
        labels: {},
        probationMs: 60_000,
      },
      artifacts: { get: (kf) => Promise.resolve(artifacts.get(kf.digest)!) },
      memory: this.memory,
      ledger: new CounterLedger(join(folder, 'counters.json')),
      reporter: new Reporter('bench', new Outbox(join(folder, 'outbox')), log),
      policy: { onDrift: 'repair', probationMs: 60_000 },
      log,
      inputs: () => '',
    });
  }

  /** Applies a chain of n KFs that shares no instance with the one before; returns milliseconds. */
  async apply(n: number): Promise<number> {
    const sequence = ++this.sequence;
    const kfs = Array.from({ length: n }, (_, index) => desiredKf(index, `r${sequence}`));
    const started = performance.now();
    this.reconciler.offer({ key: this.key, revision: sequence, sequence, deleted: false, kfs });
    await this.reconciler.idle();
    const elapsed = performance.now() - started;
    if (!this.memory.isReported({ key: this.key, revision: sequence, sequence, deleted: false, kfs }))
      throw new Error(`the chain of ${n} KFs was refused`);
    return elapsed;
  }

  async stop(): Promise<void> {
    await this.reconciler.stop();
    removeInstance(this.instance);
  }
}

/** xdp-loader chains several programs only where freplace works, so each object is loaded and taken off again. */
function xdpLoader(paths: string[]): number | null {
  let total = 0;
  for (const path of paths) {
    const started = performance.now();
    const loaded = spawnSync('xdp-loader', ['load', '-m', 'skb', 'lo', path], { stdio: 'ignore' });
    total += performance.now() - started;
    spawnSync('xdp-loader', ['unload', 'lo', '--all'], { stdio: 'ignore' });
    if (loaded.status !== 0) return null;
  }
  return total;
}

const round = (value: number): number => Math.round(value * 100) / 100;

async function measure(bench: Bench, n: number): Promise<Omit<Point, 'xdpLoaderMs'>> {
  const times: number[] = [];
  for (let count = 0; count < rounds; count++) times.push(await bench.apply(n));
  times.sort((a, b) => a - b);
  return { n, applyMs: round(times[0]!), applyMedianMs: round(times[rounds >> 1]!) };
}

async function main(): Promise<void> {
  ensureBpffs();
  const folder = mkdtempSync(join(tmpdir(), 'l3af-bench-'));
  const paths = Array.from({ length: Math.max(...lengths) }, (_, index) => compile(folder, index));
  const artifacts = new Map(
    paths.map((path, index) => {
      const object = readFileSync(path);
      return [digestOf(index), { object, schema: deriveSchema(object), keyId: '' }] as const;
    }),
  );
  const bench = new Bench(folder, artifacts);
  try {
    const points: Point[] = [];
    for (const n of lengths) points.push({ ...(await measure(bench, n)), xdpLoaderMs: null });
    await bench.stop();
    for (const point of points) {
      const best = Array.from({ length: 3 }, () => xdpLoader(paths.slice(0, point.n)));
      if (best.every((time) => time !== null)) point.xdpLoaderMs = round(Math.min(...best));
    }
    print(points);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(points: Point[]): void {
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ points })}\n`);
    return;
  }
  const lines = points.map(({ n, applyMs, applyMedianMs, xdpLoaderMs }) => {
    const peer =
      xdpLoaderMs === null
        ? 'no xdp-loader'
        : `xdp-loader ${xdpLoaderMs} ms, ratio ${round(applyMs / xdpLoaderMs)}`;
    return `${String(n).padStart(3)} KFs  ${applyMs} ms (median ${applyMedianMs})  ${peer}`;
  });
  process.stdout.write(`${lines.join('\n')}\n`);
}

if (process.env[inside] === undefined) {
  // A namespace of its own, whose loopback nobody else uses.
  const again = ['--net', process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const result = spawnSync('unshare', again, { stdio: 'inherit', env: { ...process.env, [inside]: '1' } });
  process.exitCode = result.status ?? 1;
} else {
  void main();
}
