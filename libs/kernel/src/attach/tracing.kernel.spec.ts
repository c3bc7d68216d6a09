import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileBpf, createVethPair, waitFor } from '@l3af/testing';
import koffi from 'koffi';
import {
  detach,
  generationPaths,
  loadGeneration,
  observeHook,
  hookFolder,
  openKfMap,
  reattachCompanions,
  removeInstance,
  swapTo,
} from '../index';
import { hookFixture, kfLoad, u32 } from '../chain/chain-fixture';
import { functionOffset } from './elf-symbol';
import { release } from './held-events';
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

/** Counts calls from the kernel's side, uses of a function, and its returns. */
const probes = (file: string, symbol: string, tracepoint = 'syscalls/sys_enter_getppid'): string => {
  const map = (name: string) =>
    `struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } ${name} SEC(".maps");`;
  const counting = (section: string, name: string) => `
    SEC("${section}") int on_${name}(void *ctx) {
      __u32 key = 0; __u64 *count = bpf_map_lookup_elem(&${name}, &key);
      if (count) __sync_fetch_and_add(count, 1);
      return 0;
    }`;
  return `
    ${map('calls')} ${map('uses')} ${map('ends')}
    SEC("xdp") int kf(struct xdp_md *ctx) { return XDP_PASS; }
    ${counting(tracepoint.startsWith('/') ? `uprobe/${tracepoint}` : `tracepoint/${tracepoint}`, 'calls')}
    ${counting(`uprobe/${file}:${symbol}`, 'uses')}
    ${counting(`uretprobe/${file}:${symbol}`, 'ends')}`;
};

const library = `/lib/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu/libc.so.6`;
const probing = compileBpf(probes(library, 'getppid'));
const getppid = koffi.load(library).func('int getppid()') as () => number;

const folder = mkdtempSync(join(tmpdir(), 'l3af-uprobe-'));
const program = join(folder, 'program');
writeFileSync(
  `${program}.c`,
  `#include <stdlib.h>
  __attribute__((noinline)) static int worker(int value) { __asm__ volatile("nop"); return value + 1; }
  int main(int count, char **texts) {
    int sum = 0;
    for (int i = 0; i < atoi(texts[1]); i++) sum = worker(sum);
    return sum != atoi(texts[1]);
  }`,
);
execFileSync('clang', ['-O1', '-o', program, `${program}.c`]);

/** As long as any path may get; slashes before a path fill it up. */
const anyPath = `/${'_'.repeat(150)}`;
/** Written into the object instead of compiled: a virtual machine has only the objects that were made of the same source. */
const ofProgram = (symbol: string, tracepoint?: string): Buffer => {
  const text = compileBpf(probes(anyPath, symbol, tracepoint)).toString('latin1');
  return Buffer.from(text.replaceAll(anyPath, program.padStart(anyPath.length, '/')), 'latin1');
};
const ofWorker = ofProgram('worker', `${anyPath}:worker+0x0`);
const ofNoSuch = ofProgram('no_such');

/** As another tool reads it: the address, less where its segment begins. */
function fileOffsetByNm(): number {
  const address = /^([0-9a-f]+) t worker$/m.exec(execFileSync('nm', [program], { encoding: 'utf8' }))?.[1];
  const segments = execFileSync('readelf', ['-lW', program], { encoding: 'utf8' });
  for (const [, offset, start, bytes] of segments.matchAll(/LOAD +(0x\w+) (0x\w+) 0x\w+ (0x\w+)/g)) {
    const at = parseInt(address ?? '', 16) - Number(start);
    if (at >= 0 && at < Number(bytes)) return at + Number(offset);
  }
  return -1;
}

describe('tracing programs that an object brings along', () => {
  const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }));
  afterAll(() => {
    removeInstance(target.instance);
    pair.stop();
    rmSync(folder, { recursive: true });
  });
  test('run while their generation is live, and are released with it', async () => {
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
  test('that cannot be attached leave the hook as it was', async () => {
    const before = observeHook(target);
    const missing = compileBpf(`
      SEC("xdp") int kf(struct xdp_md *ctx) { return XDP_PASS; }
      SEC("tracepoint/none/such") int on_none(void *ctx) { return 0; }`);
    await loadGeneration(target, { generation: 3, metadata: '', kfs: [kfLoad('kf', missing)] });
    expect(() => swapTo(target, 3)).toThrow('this kernel has no such tracepoint');
    expect(observeHook(target).attached).toBe(before.attached);
  });
  const events = (generation: number, map: string): number => {
    using counts = openKfMap(target, generation, { kf: 'kf', map });
    return Number(Buffer.from(counts.lookup(u32(0)) ?? []).readBigUInt64LE(0));
  };
  const load = (generation: number, code: Buffer) =>
    loadGeneration(target, { generation, metadata: '', kfs: [kfLoad('kf', code)], reuseFrom: null });

  test('count the events of tracepoints and of a library, and are attached again where they went with their process', async () => {
    await load(10, probing);
    swapTo(target, 10);
    getppid();
    const [calls, uses, ends] = ['calls', 'uses', 'ends'].map((map) => events(10, map));
    expect([calls, uses, ends].every((count) => count! > 0)).toBe(true);
    // What a killed executor loses on kernels without links of perf events.
    release(hookFolder(target));
    reattachCompanions(target);
    getppid();
    expect(['calls', 'uses', 'ends'].map((map, at) => events(10, map) > [calls, uses, ends][at]!)).toEqual([
      true,
      true,
      true,
    ]);
    await load(11, probing);
    swapTo(target, 11);
    // The kernel lets go of a probe a moment after its last user is gone.
    await waitFor(() => {
      const before = events(10, 'uses');
      getppid();
      return events(10, 'uses') === before;
    }, 'the generation before to count no more');
    expect(events(11, 'uses')).toBeGreaterThan(0);
    detach(target);
  });

  test('count the calls of a function in a program, from its symbol table', async () => {
    await load(12, ofWorker);
    swapTo(target, 12);
    expect(spawnSync(program, ['7']).status).toBe(0);
    expect(['calls', 'uses', 'ends'].map((map) => events(12, map))).toEqual([7, 7, 7]);
    detach(target);
    await load(13, ofNoSuch);
    expect(() => swapTo(target, 13)).toThrow('the file has no such function, or its symbols were stripped');
    expect(observeHook(target).attached).toBe(false);
    expect(functionOffset(program, 'worker')).toBe(fileOffsetByNm());
    expect(() => functionOffset(`${program}.c`, 'worker')).toThrow('the file is no 64-bit little-endian ELF');
    expect(() => functionOffset('/nowhere', 'worker')).toThrow('no such file');
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
    expect(parseTracing('uretprobe//usr/lib/libc.so.6:__libc_start_main')).toEqual({
      kind: 'uprobe',
      binary: '/usr/lib/libc.so.6',
      symbol: '__libc_start_main',
      offset: 0,
      atReturn: true,
    });
    expect(parseTracing('uprobe//a:b/c:main+0x10')).toMatchObject({
      binary: '/a:b/c',
      symbol: 'main',
      offset: 16,
    });
    expect(parseTracing('uprobe//bin/bash:')).toBeUndefined();
    expect(parseTracing('uprobe/relative:main')).toBeUndefined();
    expect(parseTracing('kprobe/x')).toBeUndefined();
  });
});
