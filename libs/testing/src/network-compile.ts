import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface CompileOptions {
  /** Without debug information there is no BTF. */
  debug?: boolean;
  flags?: string[];
}

const head = `
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
char LICENSE[] SEC("license") = "Dual BSD/GPL";
`;

/** Compiles C for the BPF target with clang; the same source is compiled once per machine. */
export function compileBpf(source: string, options: CompileOptions = {}): Buffer {
  const { debug = true, flags = [] } = options;
  const text = source.includes('SEC("license")') ? source : head + source;
  const args = [
    '-O2',
    '-target',
    'bpf',
    '-mcpu=v3',
    '-Wall',
    `-I/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
    ...(debug ? ['-g'] : []),
    ...flags,
  ];
  const folder = join(tmpdir(), `l3af-test-objects-${process.getuid?.() ?? 0}`);
  const name = createHash('sha256').update(args.join(' ')).update(text).digest('hex').slice(0, 32);
  const path = join(folder, `${name}.o`);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const own = join(folder, `${name}-${process.pid}`);
    writeFileSync(`${own}.bpf.c`, text);
    execFileSync('clang', [...args, '-c', `${own}.bpf.c`, '-o', `${own}.o`], { stdio: 'pipe' });
    renameSync(`${own}.o`, path);
  }
  return readFileSync(path);
}
