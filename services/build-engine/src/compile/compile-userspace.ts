import { access, readdir, realpath } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { cannot, L3afError, type UserspaceProgram } from '@l3af/contracts';
import { compileLimits } from '../sandbox/limits';
import { type Bind, runInSandbox } from '../sandbox/sandbox';
import { findToolchain } from '../sandbox/toolchain';
import type { FetchedSource } from '../source/fetch-source';
import { parseDiagnostics } from './diagnostics';
import { sourceMount } from './compile';

/** A program that runs beside a KF, for the builder's own architecture. */
export interface BuiltProgram {
  name: string;
  language: UserspaceProgram['language'];
  /** GOARCH name. */
  architecture: string;
  bytes: Uint8Array;
}

const languages = { c: 'C', go: 'Go', rust: 'Rust' } as const;
const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

interface Context {
  signal: AbortSignal;
  say: (line: string, target: string) => void;
  quote: (text: string) => void;
}

/** Refuses programs that this builder cannot compile before anything is compiled: `toolchain-missing` names the language. */
export function checkUserspace(programs: readonly UserspaceProgram[]): void {
  for (const { name, language } of programs) {
    if (language === 'c') continue;
    const state = `it is written in ${languages[language]}, and this builder has no toolchain for ${languages[language]} in its sandbox`;
    throw new L3afError('toolchain-missing', cannot('compile', 'userspace program', name, state), {
      details: { name, language },
    });
  }
}

/** Compiles and links the userspace programs of a source with clang, in the sandbox, one after the other. */
export async function compileUserspace(
  programs: readonly UserspaceProgram[],
  fetched: FetchedSource,
  context: Context,
): Promise<BuiltProgram[]> {
  const built: BuiltProgram[] = [];
  for (const program of programs) built.push(await compileOne(program, fetched, context));
  return built;
}

async function compileOne(
  program: UserspaceProgram,
  { folder, entries }: FetchedSource,
  { signal, say, quote }: Context,
): Promise<BuiltProgram> {
  const { name, language, libraries = [] } = program;
  const source = posix.normalize(program.source);
  if (!entries.some(({ path }) => path === source)) {
    const state = 'kf.yaml names it, the source has none';
    throw new L3afError('invalid-manifest', cannot('find', 'file', program.source, state));
  }
  const architecture = architectures[process.arch] ?? process.arch;
  say(`compiling ${source}`, `${name} ${architecture}`);
  const { clang, binds, systemIncludes } = await findToolchain();
  const arguments_ = [
    ...['-O2', '-Wall', '-fno-crash-diagnostics', '-fno-color-diagnostics', '-fno-caret-diagnostics'],
    ...[`-ffile-prefix-map=${sourceMount}=.`, '-I.', ...systemIncludes.flatMap((path) => ['-isystem', path])],
    ...['-B/usr/bin', '-Wl,-s', '-o', '/tmp/program', source, ...libraries.map((library) => `-l${library}`)],
  ];
  // The arguments are the shell's parameters, never its text. The linker needs a file; what it made is read back.
  const command = ['/bin/sh', '-c', '"$@" && exec /bin/cat /tmp/program', 'sh', clang, ...arguments_];
  const result = await runInSandbox({
    ...{ command, folder: sourceMount, limits: compileLimits, scratch: '/tmp', signal },
    binds: [...binds, ...(await linkerBinds(clang)), { from: folder, to: sourceMount }],
  });
  quote(result.stderr);
  if (result.exitCode === 0) return { name, language, architecture, bytes: new Uint8Array(result.stdout) };
  const diagnostics = parseDiagnostics(result.stderr, sourceMount);
  const said = diagnostics.find(({ severity }) => severity === 'error')?.message;
  const state = result.exceeded
    ? `it went over the limit of ${result.exceeded}`
    : (said ?? lastLine(result.stderr));
  throw new L3afError(
    result.exceeded ? 'build-limit' : 'build-failed',
    cannot('compile', 'userspace program', name, state),
    { details: { diagnostics, log: result.stderr } },
  );
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/** What linking needs beyond compiling: the linker, a shell to read its output back, the C library's and GCC's start files. */
async function linkerBinds(clang: string): Promise<Bind[]> {
  const multiarch = (await readdir('/usr/lib')).filter((name) => name.endsWith('-linux-gnu'));
  const compilerLibraries = join(dirname(dirname(clang)), 'lib');
  const folders: Bind[] = [
    { from: '/usr/lib/gcc', to: '/usr/lib/gcc' },
    ...multiarch.flatMap((name) =>
      ['/usr/lib', '/lib'].map((top) => ({ from: `/usr/lib/${name}`, to: `${top}/${name}` })),
    ),
    { from: '/lib64', to: '/lib64' },
    // The folders above hide the compiler's own libraries, being links into this one.
    { from: compilerLibraries, to: compilerLibraries },
  ];
  const present = await Promise.all(folders.map(async (bind) => ((await exists(bind.from)) ? [bind] : [])));
  const linker = await realpath('/usr/bin/ld').catch((cause: unknown) => {
    throw new L3afError(
      'toolchain-missing',
      cannot('link', 'userspace program', 'ld', 'it is not installed, needs binutils and libc6-dev'),
      { cause },
    );
  });
  const programs = [
    { from: linker, to: '/usr/bin/ld' },
    { from: await realpath('/bin/sh'), to: '/bin/sh' },
    { from: await realpath('/bin/cat'), to: '/bin/cat' },
  ];
  return [...programs, ...present.flat()];
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
