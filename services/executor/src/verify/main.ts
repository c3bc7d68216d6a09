import { readFileSync, writeSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { type Hook, hooks, toWireError } from '@l3af/contracts';
import { manifestBeside, readTests } from './read-tests';
import { verifyObject } from './verify-object';

const [done, failed, usage] = [0, 1, 2];

interface Options {
  tests: string[];
  manifest?: string;
  program?: string;
  hook?: Hook;
}

const command = new Command('l3af-verify')
  .description(
    'Loads an object alone and behind the chain glue, runs its packet tests, and prints what came of it as JSON. Needs root.',
  )
  .argument('<object>', 'an ELF object, built by clang -O2 -g -target bpf')
  .option('--tests <files...>', 'files of packet tests', [])
  .option('--manifest <file>', 'kf.yaml whose tests to run; default: the one beside the object')
  .option('--program <name>', 'only this program; default: all that a chain could run')
  .addOption(new Option('--hook <hook>', 'only this hook').choices(hooks))
  .exitOverride()
  .action(verify);

async function verify(path: string, options: Options): Promise<void> {
  const report = await verifyObject({
    object: new Uint8Array(readFileSync(path)),
    tests: readTests(options.tests, options.manifest ?? manifestBeside(path)),
    program: options.program,
    hook: options.hook,
  });
  print(report);
  process.exitCode = report.ok ? done : failed;
}

const print = (value: unknown): void => {
  writeSync(1, `${JSON.stringify(value, null, 2)}\n`);
};

/** Runs the command line; a refusal is JSON as well, so that a program can read it. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await command.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? done : usage;
      return;
    }
    print({ ok: false, error: toWireError(error) });
    process.exitCode = failed;
  }
}

void main(process.argv);
