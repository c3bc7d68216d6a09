import { hooks, parsePackageReference } from '@l3af/contracts';
import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import type { RegistryOptions } from './api/registry-address';
import { outputFormats } from './output/printer';
import { openSession, type CommonOptions, type Session } from './session';
import type { Surroundings } from './surroundings';

/** A misuse that only shows when the arguments are seen together; exits with 2, as commander's own do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Adds the options that every command takes, before or after its own. */
export function withCommonOptions(command: Command): Command {
  return command
    .addOption(new Option('-o, --output <format>', 'how to print the result').choices(outputFormats))
    .addOption(new Option('--api <url>', 'the API; default: L3AF_API, else what runs here'));
}

/** What a command does, given a session, its arguments and its options. */
export type Action<O> = (session: Session, options: O, args: string[]) => Promise<void>;

/** Adds the common options to a command and runs `action` with an open session. */
export function action<O extends object = CommonOptions>(
  command: Command,
  surroundings: Surroundings,
  run: Action<O & CommonOptions>,
): Command {
  return withCommonOptions(command).action(async (...received: unknown[]) => {
    const options = command.optsWithGlobals<O & CommonOptions>();
    // commander passes the declared arguments, then the options, then the command.
    const args = received.slice(0, -2).map((value) => value as string);
    await run(openSession(options, surroundings), options, args);
  });
}

/** As {@link action}, for commands whose `-o` is a place to write to and not a format. */
export function transfer<O extends object>(
  command: Command,
  surroundings: Surroundings,
  run: Action<O & RegistryOptions>,
): Command {
  command
    .addOption(new Option('--api <url>', 'the API; default: L3AF_API, else what runs here'))
    .addOption(registryOption());
  return command.action(async (...received: unknown[]) => {
    const own = command.opts<O & RegistryOptions & { output?: string }>();
    const { api = own.api } = command.optsWithGlobals<CommonOptions>();
    const common: CommonOptions = api === undefined ? {} : { api };
    const args = received.slice(0, -2).map((value) => value as string);
    await run(openSession(common, surroundings), { ...own, ...common }, args);
  });
}

export const registryOption = (): Option =>
  new Option('--registry <url>', 'the registry; default: L3AF_REGISTRY_URL, else what the API says');

export const nodeArgument = (): Argument => new Argument('<node>', 'name of the node');
export const interfaceArgument = (): Argument => new Argument('<interface>', 'name of the interface');
export const hookArgument = (): Argument => new Argument('<hook>', 'the hook').choices(hooks);

/** The three arguments that name a chain. */
export function chainArguments(command: Command): Command {
  return command.addArgument(nodeArgument()).addArgument(interfaceArgument()).addArgument(hookArgument());
}

export function positionArgument(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Positions are whole numbers from 1.');
}

export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

export function packageArgument(text: string): string {
  if (parsePackageReference(text)) return text;
  throw new InvalidArgumentError('It must be NAME, NAME@VERSION or NAME@sha256:….');
}
