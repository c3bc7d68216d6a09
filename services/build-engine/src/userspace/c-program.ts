import type { UserspaceProgram } from '@l3af/contracts';
import { sourceMount } from '../compile/compile';
import { compileLimits } from '../sandbox/limits';
import { findToolchain } from '../sandbox/toolchain';
import { linkerBinds } from './linker';
import { outputPath, type Recipe } from './recipe';

/** C: clang, and the libraries that kf.yaml names. */
export async function cProgram({ libraries = [] }: UserspaceProgram, source: string): Promise<Recipe> {
  const { clang, binds, systemIncludes } = await findToolchain();
  const command = [
    ...[clang, '-O2', '-Wall', '-fno-crash-diagnostics', '-fno-color-diagnostics', '-fno-caret-diagnostics'],
    ...[`-ffile-prefix-map=${sourceMount}=.`, '-I.', ...systemIncludes.flatMap((path) => ['-isystem', path])],
    ...['-B/usr/bin', '-Wl,-s', '-o', outputPath, source, ...libraries.map((library) => `-l${library}`)],
  ];
  return { command, binds: [...binds, ...(await linkerBinds(clang))], env: {}, limits: compileLimits };
}
