import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileBpf, type VethPair } from '@l3af/testing';
import { childArguments, countingKf, xdpPass } from '../chain/chain-fixture';
import { withId } from '../bpf/info';
import { KernelMap } from '../bpf/map';
import { programInfo } from '../bpf/program';
import { setEnvironment } from '../sys/libc';
import { observeHook, type HookTarget } from '../index';
import { dispatcherFolders, programsIn } from '../attach/dispatcher/read';

export const loaderPath = ['/usr/sbin/xdp-loader', '/usr/bin/xdp-loader'].find(existsSync);

/** Counts IPv4 packets alone: what interfaces send by themselves when they come up is IPv6. */
export const countingIpv4 = (verdict: number, extra = ''): string =>
  countingKf(verdict, extra).replace(
    '__u32 key = 0;',
    `void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    if (data + 14 > end || *(__u16 *)(data + 12) != bpf_htons(0x0800)) return ${verdict};
    __u32 key = 0;`,
  );

/** A program of somebody else: counts and passes, with its priority as libxdp reads it. */
const otherSource = (name: string, priority: number): string =>
  countingIpv4(
    xdpPass,
    `struct { __uint(priority, ${priority}); __uint(XDP_PASS, 1); } _${name} SEC(".xdp_run_config");`,
  ).replace('int kf(', `int ${name}(`);

const names = { first_kf: 20, second_kf: 70, third_kf: 10 } as const;
export type Other = keyof typeof names;

/** libxdp's dispatcher as from 1.5.5 on: its functions may change the packet, so that programs in their place may, too. */
const dispatcherSource = `
static volatile const struct { __u8 magic, version, enabled, frags; __u32 actions[10], priorities[10], flags[10]; } conf = {};
#define STUB(n) __attribute__((noinline)) int prog##n(struct xdp_md *ctx) { volatile int verdict = 31; if (!ctx) return 0; bpf_xdp_adjust_tail(ctx, 0); return verdict; }
STUB(0) STUB(1) STUB(2) STUB(3) STUB(4) STUB(5) STUB(6) STUB(7) STUB(8) STUB(9)
#define CALL(n) if (enabled < n + 1) return XDP_PASS; verdict = prog##n(ctx); if (!((1U << verdict) & conf.actions[n])) return verdict;
SEC("xdp") int xdp_dispatcher(struct xdp_md *ctx) {
  __u8 enabled = conf.enabled; int verdict;
  CALL(0) CALL(1) CALL(2) CALL(3) CALL(4) CALL(5) CALL(6) CALL(7) CALL(8) CALL(9)
  return XDP_PASS;
}
SEC("xdp") int xdp_pass(struct xdp_md *ctx) { return XDP_PASS; }`;

/** Compiled even where tests are skipped: the virtual machines run what this machine compiled. */
const objects = Object.fromEntries(
  Object.entries(names).map(([name, priority]) => [name, compileBpf(otherSource(name, priority))]),
) as Record<Other, Buffer>;
const dispatcher = compileBpf(dispatcherSource);

/** Others' programs on a hook, put there by xdp-loader or by libxdp with a dispatcher of today. */
export class Others {
  readonly #folder = mkdtempSync(join(tmpdir(), 'l3af-dispatcher-'));

  constructor(
    private readonly pair: VethPair,
    private readonly target: HookTarget,
    private readonly by: 'xdp-loader' | 'libxdp',
  ) {
    for (const [name, object] of Object.entries(objects)) writeFileSync(this.#path(name), object);
    mkdirSync(join(this.#folder, 'libxdp'));
    writeFileSync(join(this.#folder, 'libxdp/xdp-dispatcher.o'), dispatcher);
    setEnvironment('LIBXDP_OBJECT_PATH', by === 'libxdp' ? join(this.#folder, 'libxdp') : undefined);
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.o`);
  }

  load(...others: Other[]): void {
    for (const name of others) {
      if (this.by === 'libxdp') this.#libxdp('load', this.#path(name));
      else this.pair.run('node', loaderPath ?? '', 'load', '-m', 'native', this.pair.name, this.#path(name));
    }
  }

  unload(...others: Other[]): void {
    for (const name of others) {
      if (this.by === 'libxdp') this.#libxdp('unload', this.#pin(name));
      else this.pair.run('node', loaderPath ?? '', 'unload', '-i', String(this.#id(name)), this.pair.name);
    }
  }

  /** Packets that a program counted. */
  seen(name: Other): number {
    const mapId = withId('program', this.#id(name), (fd) => programInfo(fd).mapIds[0]) ?? 0;
    return (
      withId('map', mapId, (fd) => Number(new KernelMap(fd).lookup(Buffer.alloc(4))?.readBigUInt64LE(0))) ?? 0
    );
  }

  /** Names of the dispatcher's programs in order, ours included. */
  names(): string[] {
    return observeHook(this.target).foreign.flatMap(
      (owner) => owner.dispatcher?.programs.map((program) => program.name) ?? [owner.name],
    );
  }

  stop(): void {
    setEnvironment('LIBXDP_OBJECT_PATH', undefined);
    rmSync(this.#folder, { recursive: true });
  }

  #id(name: Other): number {
    const programs = observeHook(this.target).foreign.flatMap((owner) => owner.dispatcher?.programs ?? []);
    const id = programs.find((program) => program.name === name)?.programId;
    if (id === undefined) throw new Error(`${name} is not on the hook`);
    return id;
  }

  #pin(name: Other): string {
    const id = this.#id(name);
    for (const folder of dispatcherFolders())
      for (const [slot, program] of programsIn(folder))
        if (program.programId === id) return `${folder.path}/prog${slot}-prog`;
    throw new Error(`${name} is not pinned`);
  }

  #libxdp(verb: string, path: string): void {
    const args = [...childArguments(join(__dirname, 'libxdp-child')), this.pair.netnsPath];
    execFileSync(process.execPath, [...args, String(this.target.ifindex), verb, path], {
      stdio: 'pipe',
      env: { ...process.env, L3AF_LIBXDP_CHILD: '1', LIBXDP_OBJECT_PATH: join(this.#folder, 'libxdp') },
    });
  }
}
