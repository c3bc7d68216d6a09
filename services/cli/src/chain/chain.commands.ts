import { chainHistoryEntrySchema, chainViewSchema, hooks } from '@l3af/contracts';
import { Argument, Option, type Command } from 'commander';
import { z } from 'zod';
import type { Session } from '../session';
import type { Surroundings } from '../surroundings';
import {
  UsageError,
  action,
  chainArguments,
  interfaceArgument,
  nodeArgument,
  packageArgument,
  positionArgument,
} from '../usage';
import { chainText, chainsText, historyText } from './chain.tables';
import { changeChain, withChangeOptions, withTargetOptions, type ChangeOptions } from './change';
import { parseConfig, readInput } from './documents';
import { chainKeyOf, chainPath } from './path';
import { addResetCommand } from './reset.command';

interface InsertOptions extends ChangeOptions {
  at?: number;
  name?: string;
  config?: string;
  program?: string;
}

interface RollbackOptions extends ChangeOptions {
  to: number;
}

interface MoveOptions extends ChangeOptions {
  to: number;
}

/** `l3af chain …`. */
export function addChainCommands(chain: Command, surroundings: Surroundings): void {
  addReading(chain, surroundings);
  addResetCommand(chain, surroundings);
  const changing = (name: string, description: string): Command =>
    withChangeOptions(chainArguments(chain.command(name).description(description)));

  const insert = withTargetOptions(changing('insert', 'put a KF into a chain'))
    .addArgument(new Argument('<kf>', 'NAME, NAME@VERSION or NAME@sha256:…').argParser(packageArgument))
    .addOption(new Option('--at <n>', 'position from 1; default: the end').argParser(positionArgument))
    .option('--name <instance>', "its name in the chain; default: the package's")
    .option('--config <file>', "the KF's maps and constants, YAML or JSON; - is stdin")
    .option('--program <function>', 'entry function, when the object has several for the hook');
  action<InsertOptions>(insert, surroundings, async (session, options, args) => {
    const kf = {
      package: args[3]!,
      ...(options.name !== undefined && { name: options.name }),
      ...(options.program !== undefined && { program: options.program }),
      ...(options.config !== undefined && { config: await readConfig(session, options.config) }),
    };
    const body = { kf, ...(options.at !== undefined && { at: options.at }) };
    const change = { key: chainKeyOf(args), request: { method: 'POST' as const, body }, below: ['kfs'] };
    await changeChain(session, change, options);
  });

  const remove = changing('remove', 'take a KF out of a chain').addArgument(instanceArgument());
  action<ChangeOptions>(remove, surroundings, (session, options, args) => {
    const below = ['kfs', args[3]!];
    return changeChain(session, { key: chainKeyOf(args), request: { method: 'DELETE' }, below }, options);
  });

  const move = changing('move', 'move a KF within its chain')
    .addArgument(instanceArgument())
    .addOption(new Option('--to <n>', 'position from 1').argParser(positionArgument).makeOptionMandatory());
  action<MoveOptions>(move, surroundings, (session, options, args) => {
    const request = { method: 'POST' as const, body: { to: options.to } };
    return changeChain(
      session,
      { key: chainKeyOf(args), request, below: ['kfs', args[3]!, 'move'] },
      options,
    );
  });

  const rollback = changing('rollback', 'make a chain what it was at a revision, to the digest').addOption(
    new Option('--to <revision>', '`chain history` lists them')
      .argParser(positionArgument)
      .makeOptionMandatory(),
  );
  action<RollbackOptions>(rollback, surroundings, (session, options, args) => {
    const request = { method: 'POST' as const, body: { revision: options.to } };
    return changeChain(session, { key: chainKeyOf(args), request, below: ['rollback'] }, options);
  });

  const clear = changing('clear', 'empty a chain; its link stays and every packet passes');
  action<ChangeOptions>(clear, surroundings, (session, options, args) =>
    changeChain(session, { key: chainKeyOf(args), request: { method: 'POST' }, below: ['clear'] }, options),
  );

  const detach = changing('delete', 'detach a chain from its hook');
  action<ChangeOptions>(detach, surroundings, (session, options, args) =>
    changeChain(session, { key: chainKeyOf(args), request: { method: 'DELETE' } }, options),
  );
}

function addReading(chain: Command, surroundings: Surroundings): void {
  const show = chain
    .command('show')
    .description('show a chain, or all chains of a node, with packets counted per KF and verdict')
    .addArgument(nodeArgument())
    .addArgument(interfaceArgument().argOptional())
    .addArgument(new Argument('[hook]', 'the hook').choices(hooks));
  action(show, surroundings, async (session, _options, args) => {
    const [node, interfaceName, hook] = args;
    if (hook !== undefined) {
      const view = await session.api.ask(chainPath(chainKeyOf(args)), chainViewSchema);
      session.print.result(view, () => chainText(view, session.print));
      return;
    }
    if (interfaceName !== undefined) {
      throw new UsageError('Cannot show a chain: INTERFACE without HOOK, needs both or neither');
    }
    const path = `/v1/nodes/${encodeURIComponent(node!)}/chains`;
    const views = await session.api.ask(path, z.array(chainViewSchema));
    session.print.result(views, () => chainsText(views, node!, session.print));
  });

  const history = chainArguments(
    chain
      .command('history')
      .description('list the revisions of a chain: who, when, what, and what became of it'),
  );
  action(history, surroundings, async (session, _options, args) => {
    const path = chainPath(chainKeyOf(args), 'history');
    const entries = await session.api.ask(path, z.array(chainHistoryEntrySchema));
    session.print.result(entries, () => historyText(entries, session.print));
  });
}

export const instanceArgument = (): Argument => new Argument('<instance>', "the KF's name in the chain");

/** The value of one KF's `config`, from a file or stdin. */
export async function readConfig(session: Session, file: string): Promise<ReturnType<typeof parseConfig>> {
  const text = await readInput(file, session.surroundings.stdin);
  return parseConfig(text, file === '-' ? 'stdin' : file);
}
