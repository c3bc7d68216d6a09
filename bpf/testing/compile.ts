import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export const cpuLevels = ['v2', 'v3'] as const;
export type CpuLevel = (typeof cpuLevels)[number];

const bpfFolder = join(__dirname, '..');

/** Compiles a source below bpf/, given by its path there, as the build engine does. Warnings are errors. */
export function compile(source: string, { cpu = 'v2' as string, flags = [] as string[] } = {}): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-bpf-'));
  try {
    const object = join(folder, basename(source).replace(/\.c$/, '.o'));
    const options = ['-O2', '-g', '-target', 'bpf', `-mcpu=${cpu}`, '-Wall', '-Wextra', '-Werror', ...flags];
    const include = `-I${join(bpfFolder, 'include')}`;
    execFileSync('clang', [...options, include, '-c', join(bpfFolder, source), '-o', object], {
      stdio: 'pipe',
    });
    return new Uint8Array(readFileSync(object));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
