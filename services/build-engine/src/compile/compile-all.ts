import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Diagnostic, L3afError } from '@l3af/contracts';
import type { PackagePlan } from '../manifest/package-plan';
import type { FetchedSource } from '../source/fetch-source';
import { compile, type Compiled, type Target } from './compile';
import type { CompileCache } from './compile-cache';
import { describeDiagnostic, diagnosticsMax } from './diagnostics';

export interface CompileContext {
  workDir: string;
  /** The folder of bundled headers. */
  headers: string;
  /** Of the bundled headers' content. */
  headersDigest: string;
  /** Undefined: everything is compiled anew. */
  cache: CompileCache | undefined;
  signal: AbortSignal;
  say: (line: string, target: string) => void;
  /** The compiler's own words, for the log. */
  quote: (text: string) => void;
}

/** An object and what it is for. */
export interface BuiltObject extends Target {
  bytes: Uint8Array;
}

export interface CompiledPackage {
  /** One per architecture, for the default CPU level. */
  objects: BuiltObject[];
  /** For the other CPU levels. */
  variants: BuiltObject[];
  diagnostics: Diagnostic[];
  /** The compiler's command lines, for the provenance. */
  commands: string[][];
}

type Input = Pick<PackagePlan, 'source' | 'flags' | 'cpu' | 'architectures'>;

/** Compiles a package for each of its architectures and CPU levels; the first of each is compiled first, so that errors are told once. */
export async function compileAll(
  plan: Input,
  fetched: FetchedSource,
  context: CompileContext,
): Promise<CompiledPackage> {
  const isShared = !(await asksForArchitecture(fetched));
  const targets = plan.cpu.flatMap((cpu) =>
    plan.architectures.map((architecture): Target => ({ architecture, cpu })),
  );
  const keyOf = ({ architecture, cpu }: Target): string => {
    const order = architecture === 's390x' ? 'big' : 'little';
    return `${cpu} ${isShared ? order : architecture}`;
  };
  const [first, ...others] = [
    ...new Map([...targets].reverse().map((target) => [keyOf(target), target])).values(),
  ].reverse();
  const results = new Map<string, Compiled>();
  const run = async (target: Target): Promise<void> => {
    results.set(keyOf(target), await compileOne({ plan, fetched, target }, context));
  };
  if (first) await run(first);
  await Promise.all(others.map(run));
  const built = targets.map((target) => ({
    ...target,
    bytes: results.get(keyOf(target))?.object ?? new Uint8Array(),
  }));
  return {
    objects: built.filter(({ cpu }) => cpu === plan.cpu[0]),
    variants: built.filter(({ cpu }) => cpu !== plan.cpu[0]),
    diagnostics: distinct([...results.values()].flatMap(({ diagnostics }) => diagnostics)),
    commands: [...results.values()].map(({ command }) => command),
  };
}

/**
 * The compiler is told the architecture by one macro, which is there for libbpf's tracing headers. Where nothing asks
 * for it, one object is right for every architecture of its byte order.
 */
async function asksForArchitecture({ folder, entries }: FetchedSource): Promise<boolean> {
  for (const { path, kind } of entries) {
    if (kind === 'file' && !/\.[ch]$/.test(path)) continue;
    const text = await readFile(join(folder, path), 'latin1').catch(() => '');
    if (/TARGET_ARCH|PT_REGS|bpf_tracing|usdt/.test(text)) return true;
  }
  return false;
}

function distinct(diagnostics: Diagnostic[]): Diagnostic[] {
  const byText = new Map(diagnostics.map((diagnostic) => [describeDiagnostic(diagnostic), diagnostic]));
  return [...byText.values()].slice(0, diagnosticsMax);
}

interface One {
  plan: Input;
  fetched: FetchedSource;
  target: Target;
}

async function compileOne({ plan, fetched, target }: One, context: CompileContext): Promise<Compiled> {
  const { headers, headersDigest, workDir, signal } = context;
  const { source, flags } = plan;
  const label = `${target.architecture}/${target.cpu}`;
  context.say(`compiling ${source}`, label);
  try {
    const compiled = await compile({
      folder: fetched.folder,
      source,
      flags,
      target,
      headers,
      workDir,
      signal,
      cache: context.cache && { store: context.cache, inputs: [fetched.sourceDigest, headersDigest] },
    });
    context.quote(compiled.log);
    context.say(`${compiled.object.length} bytes, ${compiled.diagnostics.length} warnings`, label);
    return compiled;
  } catch (error) {
    if (error instanceof L3afError) {
      context.quote(String(error.details['log'] ?? ''));
      context.say(error.message, label);
    }
    throw error;
  }
}
