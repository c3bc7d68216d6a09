import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildImage, RegistryClient } from '@l3af/oci';
import { pack } from 'tar-stream';
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { prepare } from '../build/prepare';
import { Progress } from '../build/progress';
import type { BuildContext } from '../build/run-build';
import { CompileCache } from '../compile/compile-cache';
import { bundledHeaders } from '../sandbox/bundled-headers';
import { findToolchain } from '../sandbox/toolchain';
import { digestTree, listTree } from '../source/tree';

// `npm run bench -- build [--json]`: how long a KF's build takes (fetch, compile for each target in the sandbox, inspect,
// SBOM, package), cold and from the cache, beside plain clang and llvm-strip for the same targets in the same run.

interface Row {
  kf: string;
  /** Objects that the build makes: distinct CPU levels and byte orders. */
  targets: number;
  /** All in milliseconds, the median of the rounds. */
  clangMs: number;
  coldMs: number;
  cachedMs: number;
  overheadMs: number;
}

const rounds = 5;
const headers = bundledHeaders(undefined);
const sources = dirname(headers);

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function timed(run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

async function archiveOf(folder: string): Promise<Uint8Array> {
  const packing = pack();
  for (const { path } of await listTree(folder))
    packing.entry({ name: path }, await readFile(join(folder, path)));
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  return new Uint8Array(gzipSync(Buffer.concat(chunks)));
}

/** The commands that the build ran, as anyone would run them: no sandbox, the paths of the host. */
function plainClang(
  commands: string[][],
  { folder, out, strip }: { folder: string; out: string; strip: string },
): void {
  for (const command of commands) {
    const [clang = '', ...args] = command.map((word) => (word === '/include' ? headers : word));
    const target = join(out, 'plain.o');
    const at = args.lastIndexOf('-o');
    execFileSync(clang, args.with(at + 1, target), { cwd: folder, stdio: 'ignore' });
    execFileSync(strip, ['-g', target]);
  }
}

async function measure(kf: string, workDir: string): Promise<Row> {
  const folder = join(sources, kf);
  const bytes = await archiveOf(folder);
  const object = { bucket: 'bench', digest: `sha256:${'0'.repeat(64)}`, sizeBytes: bytes.length };
  const request = { build: 'bench', source: { kind: 'archive' as const, object, fileName: `${kf}.tar.gz` } };
  const headersDigest = await digestTree(headers, await listTree(headers));
  const context = (store: CompileCache | undefined): Omit<BuildContext, 'workDir'> => ({
    ...{
      headers,
      headersDigest,
      cache: store,
      builder: 'bench',
      credentialsDir: undefined,
      gitAuthorities: undefined,
      toolchains: {},
    },
    readObject: () => Promise.resolve(bytes),
    client: new RegistryClient('http://127.0.0.1:1'), // nothing is pushed
    signingKey: () => Promise.resolve(''),
    progress: new Progress('bench', () => undefined),
    signal: new AbortController().signal,
    lease: new AbortController().signal,
  });
  const build = async (store: CompileCache | undefined): Promise<string[][]> => {
    const own = mkdtempSync(join(workDir, 'build-'));
    const { plan, objects, schema, sourceDigest, commands } = await prepare(request, {
      ...context(store),
      workDir: own,
    });
    buildImage({ objects, manifest: plan.manifest, schema, sourceDigest, fileName: `${plan.name}.bpf.o` });
    rmSync(own, { recursive: true });
    return commands;
  };
  const store = new CompileCache(join(workDir, 'cache'), 1 << 28);
  const commands = await build(store);
  const strip =
    (await findToolchain()).binds.find(({ to }) => to === '/bin/llvm-strip')?.from ?? 'llvm-strip';
  const times: { clang: number; cold: number; cached: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    times.push({
      clang: await timed(() => Promise.resolve(plainClang(commands, { folder, out: workDir, strip }))),
      cold: await timed(() => build(undefined)),
      cached: await timed(() => build(store)),
    });
  }
  const clangMs = median(times.map(({ clang }) => clang));
  const coldMs = median(times.map(({ cold }) => cold));
  const cachedMs = median(times.map(({ cached }) => cached));
  return { kf, targets: commands.length, clangMs, coldMs, cachedMs, overheadMs: coldMs - clangMs };
}

async function main(): Promise<void> {
  const workDir = mkdtempSync(join(tmpdir(), 'l3af-bench-build-'));
  try {
    const names = readdirSync(sources).filter((name) => existsSync(join(sources, name, 'kf.yaml')));
    const rows: Row[] = [];
    for (const name of names) rows.push(await measure(name, workDir));
    if (process.argv.includes('--json')) {
      process.stdout.write(`${JSON.stringify({ compiler: (await findToolchain()).version, kfs: rows })}\n`);
      return;
    }
    process.stdout.write(`${[heading, ...rows.map(lineOf)].join('\n')}\n`);
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

const heading = 'KF                targets  clang ms  cold ms  cached ms  overhead ms';

const lineOf = ({ kf, targets, clangMs, coldMs, cachedMs, overheadMs }: Row): string => {
  const numbers = [targets, clangMs, coldMs, cachedMs, overheadMs].map(Math.round);
  return [
    kf.padEnd(16),
    ...numbers.map((value, at) => String(value).padStart([9, 10, 9, 11, 13][at] ?? 9)),
  ].join('');
};

void main();
