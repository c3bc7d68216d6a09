import { buildAcceptedSchema, buildViewSchema } from '@l3af/contracts';
import type { Command } from 'commander';
import { z } from 'zod';
import { instanceArgument, readConfig } from '../chain/chain.commands';
import { changeChain, withChangeOptions, type ChangeOptions } from '../chain/change';
import { chainKeyOf } from '../chain/path';
import type { Session } from '../session';
import type { Surroundings } from '../surroundings';
import { action, chainArguments } from '../usage';
import { addBuildCommands } from './build.command';
import { addCatalogueCommands } from './catalogue.commands';
import { buildsTable } from './kf.tables';
import { addRegistryCommands } from './registry.commands';

/** `l3af kf …`. */
export function addKfCommands(kf: Command, surroundings: Surroundings): void {
  addBuildCommands(kf, surroundings);
  addCatalogueCommands(kf, surroundings);
  addRegistryCommands(kf, surroundings);
  addBuilds(kf, surroundings);
  for (const enabled of [true, false]) {
    const name = enabled ? 'enable' : 'disable';
    const description = enabled
      ? 'switch a KF of a chain on'
      : 'switch a KF of a chain off; packets go on to the next';
    action<ChangeOptions>(changing(kf, name, description), surroundings, (session, options, args) =>
      patch(session, { args, body: { enabled } }, options),
    );
  }
  const config = changing(kf, 'config', "change a KF's configuration in its chain").requiredOption(
    '--config <file>',
    'its maps and constants, YAML or JSON; - is stdin',
  );
  action<ChangeOptions & { config: string }>(config, surroundings, async (session, options, args) =>
    patch(session, { args, body: { config: await readConfig(session, options.config) } }, options),
  );
}

const changing = (kf: Command, name: string, description: string): Command =>
  withChangeOptions(
    chainArguments(kf.command(name).description(description)).addArgument(instanceArgument()),
  );

function patch(
  session: Session,
  { args, body }: { args: string[]; body: object },
  options: ChangeOptions,
): Promise<void> {
  const change = {
    key: chainKeyOf(args),
    request: { method: 'PATCH' as const, body },
    below: ['kfs', args[3]!],
  };
  return changeChain(session, change, options);
}

function addBuilds(kf: Command, surroundings: Surroundings): void {
  const builds = kf.command('builds').description('list the builds');
  action(builds, surroundings, async ({ api, print }) => {
    const views = await api.ask('/v1/builds', z.array(buildViewSchema));
    print.result(views, () => (views.length === 0 ? 'nothing was built yet' : buildsTable(views, print)));
  });

  const cancel = kf
    .command('cancel')
    .description('cancel a build that is not over')
    .argument('<build>', 'its id');
  action(cancel, surroundings, async ({ api, print }, _options, [build]) => {
    const path = `/v1/builds/${encodeURIComponent(build!)}`;
    const accepted = await api.ask(path, buildAcceptedSchema, { method: 'DELETE' });
    print.result(accepted, () => (accepted.changed ? 'cancelled' : 'it was cancelled before'));
  });

  const log = kf.command('log').description("print a build's log").argument('<build>', 'id of the build');
  action(log, surroundings, async ({ api, print }, _options, [build]) => {
    print.write(await api.text(`/v1/builds/${encodeURIComponent(build!)}/log`));
  });
}
