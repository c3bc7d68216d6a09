import { posix } from 'node:path';
import { cannot, L3afError, type UserspaceProgram } from '@l3af/contracts';
import { sourceMount } from '../compile/compile';
import { describeDiagnostic, parseDiagnostics } from '../compile/diagnostics';
import { runInSandbox } from '../sandbox/sandbox';
import type { FetchedSource } from '../source/fetch-source';
import { cProgram } from './c-program';
import { findGo, goProgram } from './go-program';
import { shellBinds } from './linker';
import { outputPath, type Recipe, type ToolchainPaths } from './recipe';
import { findRust, rustProgram } from './rust-program';

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
  toolchains: ToolchainPaths;
  signal: AbortSignal;
  say: (line: string, target: string) => void;
  quote: (text: string) => void;
}

/** Refuses programs that this builder cannot compile before anything is compiled: `toolchain-missing` names the language. */
export async function checkUserspace(
  programs: readonly UserspaceProgram[],
  toolchains: ToolchainPaths,
): Promise<void> {
  for (const program of programs) {
    const { name, language, libraries = [] } = program;
    if (language !== 'c' && libraries.length > 0) {
      const state = `it is written in ${languages[language]}, and only programs in C are linked with libraries`;
      throw new L3afError('invalid-manifest', cannot('compile', 'userspace program', name, state));
    }
    try {
      if (language === 'go') await findGo(toolchains);
      if (language === 'rust') await findRust(toolchains);
    } catch (cause) {
      const state = `it is written in ${languages[language]}, and this builder has no toolchain for ${languages[language]}`;
      const details = { name, language };
      const options = { cause, details, ...(cause instanceof Error && { hint: cause.message }) };
      throw new L3afError('toolchain-missing', cannot('compile', 'userspace program', name, state), options);
    }
  }
}

/** Compiles and links the userspace programs of a source, in the sandbox, one after the other. */
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
  { toolchains, signal, say, quote }: Context,
): Promise<BuiltProgram> {
  const { name, language } = program;
  const source = posix.normalize(program.source).replace(/\/$/, '');
  const isThere = entries.some(({ path }) => path === source || path.startsWith(`${source}/`));
  const isFile = entries.some(({ path }) => path === source);
  if (!isThere || (language === 'c' && !isFile)) {
    const state = 'kf.yaml names it, the source has none';
    throw new L3afError('invalid-manifest', cannot('find', 'file', program.source, state));
  }
  const architecture = architectures[process.arch] ?? process.arch;
  say(`compiling ${source}`, `${name} ${architecture}`);
  const recipes: Record<typeof language, () => Promise<Recipe>> = {
    c: () => cProgram(program, source),
    go: () => goProgram(program, source, { entries, paths: toolchains }),
    rust: () => rustProgram(program, source, toolchains),
  };
  const recipe = await recipes[language]();
  // The arguments are the shell's parameters, never its text. The compiler writes a file; what it wrote is read back.
  const script = `"$@" >&2 && exec /bin/cat ${outputPath}`;
  const { limits, env } = recipe;
  const result = await runInSandbox({
    ...{
      command: ['/bin/sh', '-c', script, 'sh', ...recipe.command],
      limits,
      env,
      scratch: '/tmp',
      devices: ['null'],
      signal,
    },
    folder: posix.join(sourceMount, recipe.folder ?? '.'),
    binds: [...recipe.binds, ...(await shellBinds()), { from: folder, to: sourceMount }],
  });
  quote(result.stderr);
  if (result.exitCode === 0) return { name, language, architecture, bytes: new Uint8Array(result.stdout) };
  const diagnostics = parseDiagnostics(result.stderr, sourceMount);
  const first =
    diagnostics.find(({ severity, file }) => severity === 'error' && file !== '') ?? diagnostics[0];
  const said = first && describeDiagnostic(first);
  const state = result.exceeded
    ? `it went over the limit of ${result.exceeded}`
    : (said ?? reasonIn(result.stderr));
  throw new L3afError(
    result.exceeded ? 'build-limit' : 'build-failed',
    cannot('compile', 'userspace program', name, state),
    { details: { diagnostics, log: result.stderr } },
  );
}

const reasonIn = (text: string): string => text.trim().split('\n').at(-1) ?? '';
