import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const license = 'char LICENSE[] __attribute__((section("license"), used)) = "Dual BSD/GPL";';

const sources = {
  /** The smallest KF: passes every packet. */
  plain: `__attribute__((section("xdp"), used)) int kf(void *ctx) { return 2; }`,
  /** One that could tail-call by itself, and never does: it takes the calling glue. */
  calling: `struct { int (*type)[3]; int (*key_size)[4]; int (*value_size)[4]; int (*max_entries)[1]; }
    own __attribute__((section(".maps"), used));
    static long (*tail_call)(void *ctx, void *map, unsigned index) = (void *)12;
    __attribute__((section("xdp"), used)) int kf(unsigned *ctx) {
      if (ctx[1] - ctx[0] == 1) tail_call(ctx, &own, 0);
      return 2;
    }`,
} as const;

/** Compiles an empty KF that is chained in place, or behind the calling glue. */
export function compileEmptyKf(kind: keyof typeof sources): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-bench-'));
  try {
    writeFileSync(join(folder, 'kf.c'), `${sources[kind]}\n${license}`);
    execFileSync('clang', ['-O2', '-g', '-target', 'bpf', '-c', 'kf.c', '-o', 'kf.o'], { cwd: folder });
    return readFileSync(join(folder, 'kf.o'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
