import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cannot, type Diagnostic, L3afError } from '@l3af/contracts';
import { compileLimits, type Limits } from '../sandbox/limits';
import { runInSandbox, type Bind, type SandboxResult } from '../sandbox/sandbox';
import { findToolchain, type Toolchain } from '../sandbox/toolchain';
import { cacheKey, type CompileCache } from './compile-cache';
import { describeDiagnostic, parseDiagnostics } from './diagnostics';
import { checkFlags } from './flags';

/** What one compiler run makes: GOARCH name and CPU level. */
export interface Target {
  architecture: 'amd64' | 'arm64' | 's390x';
  cpu: string;
}

export interface CompileRequest {
  /** A folder of the host; it is `/src` inside. */
  folder: string;
  /** The source file, relative to the folder. */
  source: string;
  target: Target;
  flags: readonly string[];
  /** The folder of bundled headers. */
  headers: string;
  workDir: string;
  signal?: AbortSignal | undefined;
  limits?: Limits | undefined;
  /** Where what was compiled before is kept; `inputs` are digests of the source and the headers. */
  cache?: { store: CompileCache; inputs: readonly string[] } | undefined;
}

export interface Compiled {
  object: Uint8Array;
  diagnostics: Diagnostic[];
  /** The compiler's own words. */
  log: string;
  command: string[];
}

/** Always here, wherever the source came from: paths end up in the object's BTF, and the same source must give the same object. */
export const sourceMount = '/src';
const headersMount = '/include';

const targets: Record<Target['architecture'], { target: string; define: string }> = {
  amd64: { target: 'bpfel', define: '__TARGET_ARCH_x86' },
  arm64: { target: 'bpfel', define: '__TARGET_ARCH_arm64' },
  s390x: { target: 'bpfeb', define: '__TARGET_ARCH_s390' },
};

/**
 * Compiles one source for one target with clang in the sandbox, and takes the DWARF out again (BTF stays).
 * Throws `build-failed` with the compiler's diagnostics, `build-limit` when a limit ended it, and `invalid-manifest`
 * for flags that are not on the safe list.
 */
export async function compile(request: CompileRequest): Promise<Compiled> {
  checkFlags(request.flags);
  const toolchain = await findToolchain();
  checkLevel(request.target, toolchain);
  const command = clangCommand(request, toolchain);
  const { cache } = request;
  if (!cache) return run(command, request, toolchain);
  const key = await cacheKey(cache.inputs, command, toolchain);
  const known = await cache.store.get(key);
  if (known) return known;
  const compiled = await run(command, request, toolchain);
  await cache.store.put(key, compiled);
  return compiled;
}

async function run(command: string[], request: CompileRequest, toolchain: Toolchain): Promise<Compiled> {
  const limits = request.limits ?? compileLimits;
  const binds = [
    ...toolchain.binds,
    { from: request.folder, to: sourceMount },
    { from: request.headers, to: headersMount },
  ];
  const result = await runInSandbox({ command, binds, folder: sourceMount, limits, signal: request.signal });
  const diagnostics = parseDiagnostics(result.stderr, sourceMount);
  if (result.exitCode !== 0) throw failure(result, { request, diagnostics, limits });
  const object = await strip(result.stdout, { request, toolchain, limits });
  return { object, diagnostics, log: result.stderr, command };
}

function checkLevel({ cpu }: Target, toolchain: Toolchain): void {
  if (toolchain.levels.includes(cpu)) return;
  const state = `${toolchain.version} knows ${toolchain.levels.join(', ')}`;
  throw new L3afError('toolchain-missing', cannot('compile for', 'CPU level', cpu, state), {
    details: { cpu },
  });
}

function clangCommand({ source, target, flags }: CompileRequest, toolchain: Toolchain): string[] {
  const { target: triple, define } = targets[target.architecture];
  return [
    toolchain.clang,
    ...[
      '-O2',
      '-g',
      '-target',
      triple,
      `-mcpu=${target.cpu}`,
      `-D${define}`,
      '-Wall',
      '-fno-crash-diagnostics',
    ],
    ...['-fno-color-diagnostics', '-fno-caret-diagnostics', '-ferror-limit=50', '-nostdlibinc', '-I.'],
    ...flags,
    ...['-I', headersMount],
    ...toolchain.systemIncludes.flatMap((folder) => ['-isystem', folder]),
    ...['-c', '-o', '-', '--', source],
  ];
}

interface Failed {
  request: CompileRequest;
  diagnostics: Diagnostic[];
  limits: Limits;
}

function failure(result: SandboxResult, { request, diagnostics, limits }: Failed): L3afError {
  const state = limitOf(result, limits);
  const options = { details: { diagnostics, log: result.stderr } };
  if (state !== undefined) {
    return new L3afError('build-limit', cannot('compile', 'source', request.source, state), options);
  }
  const said = reasonOf(result, diagnostics);
  return new L3afError('build-failed', cannot('compile', 'source', request.source, said), options);
}

/** The first error; a compiler that crashes says none. */
function reasonOf({ exitCode, stderr }: SandboxResult, diagnostics: Diagnostic[]): string {
  const first = diagnostics.find(({ severity }) => severity === 'error');
  if (first) return describeDiagnostic(first);
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return last === '' ? `the compiler crashed (exit code ${exitCode ?? 'none'})` : last;
}

/** Exit codes above 128 are signals as a shell would tell them; bubblewrap passes them on so. */
function limitOf(result: SandboxResult, limits: Limits): string | undefined {
  const { exceeded, exitCode, stderr } = result;
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
  if (exceeded === 'time') return `it took more than ${limits.wallMs / 1000} s`;
  if (exceeded === 'output' || exitCode === 128 + 25)
    return `its output is larger than ${mebibytes(limits.outputBytes)}`;
  if (exitCode === 128 + 24 || exitCode === 128 + 9)
    return `it used more than ${limits.cpuSeconds} s of CPU time`;
  const isMemory =
    /out of memory|bad_alloc|Cannot allocate memory|sorry, this include|ran out of memory/i.test(stderr);
  return isMemory ? `it needs more than ${mebibytes(limits.memoryBytes)} of memory` : undefined;
}

interface Strip {
  request: CompileRequest;
  toolchain: Toolchain;
  limits: Limits;
}

async function strip(object: Buffer, { request, toolchain, limits }: Strip): Promise<Uint8Array> {
  const folder = await mkdtemp(join(request.workDir, 'strip-'));
  try {
    await writeFile(join(folder, 'kf.o'), object, { mode: 0o644 });
    const binds: Bind[] = [...toolchain.binds, { from: join(folder, 'kf.o'), to: '/in/kf.o' }];
    const command = [toolchain.strip, '-g', '/in/kf.o', '-o', '-'];
    const result = await runInSandbox({ command, binds, folder: '/in', limits, signal: request.signal });
    if (result.exitCode === 0) return new Uint8Array(result.stdout);
    throw failure(result, { request, diagnostics: [], limits });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
