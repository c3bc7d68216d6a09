import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const source = `__attribute__((section("xdp"), used)) int kf(void *ctx) { return 2; }
char LICENSE[] __attribute__((section("license"), used)) = "Dual BSD/GPL";`;

/** The smallest KF: passes every packet. */
export function compileEmptyKf(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-bench-'));
  try {
    writeFileSync(join(folder, 'kf.c'), source);
    execFileSync('clang', ['-O2', '-g', '-target', 'bpf', '-c', 'kf.c', '-o', 'kf.o'], { cwd: folder });
    return readFileSync(join(folder, 'kf.o'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
