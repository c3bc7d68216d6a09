import { CommanderError } from 'commander';
import { describeFailure } from './output/failure';
import { styleFor } from './output/style';
import { createProgram } from './program';
import type { Surroundings } from './surroundings';
import { UsageError } from './usage';

/** Runs one command line. Resolves with the exit code: 0 done, 1 refused or failed (the reason is on stderr), 2 usage. */
export async function runCli(args: readonly string[], surroundings: Surroundings): Promise<0 | 1 | 2> {
  try {
    await createProgram(surroundings).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // commander has printed what is wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const style = styleFor(surroundings.stderr, surroundings.env);
    if (error instanceof UsageError) {
      surroundings.stderr.write(`${style.red(error.message)}\n`);
      return 2;
    }
    surroundings.stderr.write(`${describeFailure(error, style)}\n`);
    return 1;
  }
}
