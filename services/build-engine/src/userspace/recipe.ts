import type { Limits } from '../sandbox/limits';
import type { Bind } from '../sandbox/sandbox';

/** How one program is made inside the sandbox. */
export interface Recipe {
  /** Writes the program to {@link outputPath}. */
  command: string[];
  /** Beside the source's. */
  binds: Bind[];
  env: Record<string, string>;
  limits: Limits;
  /** The folder to start in, below the source. */
  folder?: string | undefined;
}

/** In the folder in memory that is all that can be written to. */
export const outputPath = '/tmp/program';

/** Toolchains that are not where they are looked for: paths of the programs. */
export interface ToolchainPaths {
  go?: string | undefined;
  rustc?: string | undefined;
}
