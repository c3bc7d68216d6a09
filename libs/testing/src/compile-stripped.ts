import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Compiles C with the machine's clang, and takes the DWARF out; `target` is `bpfel` or `bpfeb`. */
export function compileStripped(
  source: string,
  { target = 'bpfel', flags = [] as string[] } = {},
): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-compile-'));
  try {
    writeFileSync(join(folder, 'kf.bpf.c'), source);
    // Debian keeps <asm/…> per architecture, where clang does not look when it compiles for BPF.
    const includes = readdirSync('/usr/include').filter((name) => name.endsWith('-linux-gnu'));
    const options = [
      '-O2',
      '-g',
      '-target',
      target,
      '-mcpu=v3',
      ...includes.map((name) => `-I/usr/include/${name}`),
    ];
    execFileSync('clang', [...options, ...flags, '-c', 'kf.bpf.c', '-o', 'kf.bpf.o'], {
      cwd: folder,
      stdio: 'pipe',
    });
    execFileSync('llvm-strip', ['-g', 'kf.bpf.o'], { cwd: folder });
    return new Uint8Array(readFileSync(join(folder, 'kf.bpf.o')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
