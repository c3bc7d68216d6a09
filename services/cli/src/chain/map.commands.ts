import { nodeRpc, type ConfigValue } from '@l3af/contracts';
import { Argument, Option, type Command } from 'commander';
import type { CommonOptions } from '../session';
import type { Surroundings } from '../surroundings';
import { action, chainArguments, wholeNumber } from '../usage';
import { instanceArgument } from './chain.commands';
import { chainKeyOf, chainPath } from './path';

interface DumpOptions extends CommonOptions {
  limit?: number;
}

/** `l3af map …`. */
export function addMapCommands(map: Command, surroundings: Surroundings): void {
  const dump = chainArguments(
    map.command('dump').description('print a map of a running KF, read from the kernel now'),
  )
    .addArgument(instanceArgument())
    .addArgument(new Argument('<map>', 'name of the map'))
    .addOption(new Option('--limit <n>', 'entries at most').argParser(wholeNumber));
  action<DumpOptions>(dump, surroundings, async ({ api, print }, options, args) => {
    const limit = options.limit === undefined ? '' : `?limit=${options.limit}`;
    const path = chainPath(chainKeyOf(args), 'kfs', args[3]!, 'maps', args[4]!) + limit;
    const reply = await api.ask(path, nodeRpc['map-dump'].reply);
    print.result(reply, () =>
      reply.entries.length === 0
        ? `map ${reply.map} (${reply.type}) is empty`
        : print.table(
            [{ head: 'key' }, { head: 'value', flexible: true }],
            reply.entries.map(({ key, value }) => [inline(key), inline(value)]),
          ),
    );
    if (reply.truncated)
      print.note(`only the first ${reply.entries.length} entries; --limit N asks for more`);
  });
}

/** A value on one line: text as it is, fields as `name: value`. */
function inline(value: ConfigValue): string {
  if (Array.isArray(value)) return `[${value.map(inlineMember).join(', ')}]`;
  if (value === null || typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([name, member]) => `${name}: ${inlineMember(member)}`)
    .join(', ');
}

const inlineMember = (value: ConfigValue): string =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? `{${inline(value)}}` : inline(value);
