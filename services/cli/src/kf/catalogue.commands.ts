import {
  hooks,
  packageDetailsSchema,
  packageViewSchema,
  parsePackageReference,
  yankedSchema,
  type PackageUse,
} from '@l3af/contracts';
import { Argument, Option, type Command } from 'commander';
import { z } from 'zod';
import type { CommonOptions } from '../session';
import type { Surroundings } from '../surroundings';
import { UsageError, action, packageArgument } from '../usage';
import { chooseVersion } from './choose-version';
import { packagesTable } from './kf.tables';
import { packageText } from './show.text';

interface SearchOptions extends CommonOptions {
  hook?: string;
  type?: string;
  signer?: string;
  license?: string;
  kernel?: string;
}

/** `kf list`, `search`, `show` and `yank`. */
export function addCatalogueCommands(kf: Command, surroundings: Surroundings): void {
  const list = kf.command('list').description('list the published packages');
  action(list, surroundings, async ({ api, print }) => {
    const packages = await api.ask('/v1/packages', z.array(packageViewSchema));
    print.result(packages, () =>
      packages.length === 0 ? 'no package is published yet' : packagesTable(packages, print),
    );
  });
  addSearch(kf, surroundings);

  const show = kf
    .command('show')
    .description('show a package: its versions and all that is known of one of them')
    .addArgument(new Argument('<name>', 'NAME, NAME@VERSION or NAME@sha256:…').argParser(packageArgument));
  action(show, surroundings, async ({ api, print }, _options, [text]) => {
    const { name, version, digest } = parsePackageReference(text!)!;
    const path = `/v1/packages/${encodeURIComponent(name)}`;
    const view = await api.ask(path, packageViewSchema);
    const chosen = chooseVersion(view, version ?? digest);
    const one = `${path}/versions/${encodeURIComponent(chosen.version)}`;
    const isWhole = version === undefined && digest === undefined;
    // For scripts: with a version asked for, all of that one; without, the whole package.
    if (isWhole && print.format !== 'table') return print.result(view, () => '');
    const details = await api.ask(one, packageDetailsSchema);
    print.result(details, () => packageText(view, details, print));
  });

  const yank = kf
    .command('yank')
    .description('refuse new deployments of a version; chains that run it go on')
    .addArgument(new Argument('<kf>', 'NAME@VERSION').argParser(packageArgument))
    .requiredOption('--reason <text>', 'why, for everyone who asks for it');
  action<{ reason: string }>(yank, surroundings, async ({ api, print }, { reason }, [text]) => {
    const { name, version } = parsePackageReference(text!)!;
    if (version === undefined) throw new UsageError(`Cannot yank "${text!}": needs NAME@VERSION`);
    const path = `/v1/packages/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}/yank`;
    const yanked = await api.ask(path, yankedSchema, { method: 'POST', body: { reason } });
    print.note(`${name}@${version} is yanked: new deployments are refused`);
    print.result(yanked, () => runningText(yanked.usedBy));
  });
}

function addSearch(kf: Command, surroundings: Surroundings): void {
  const search = kf
    .command('search')
    .description('find packages that can be deployed; all conditions must hold')
    .argument('[text...]', 'words in the name, the description or a program')
    .addOption(new Option('--hook <hook>', 'a program of it can run there').choices(hooks))
    .option('--type <type>', 'it has a program of this type: xdp, sched_cls, tracepoint, …')
    .option('--signer <key>', 'signed by this key: its id, or the beginning of it')
    .option('--license <text>', 'found in its licence')
    .option('--kernel <release>', 'loaded on this kernel; 6.1 stands for every 6.1.x');
  action<SearchOptions>(search, surroundings, async ({ api, print }, options, [words]) => {
    const { hook, type, signer, license, kernel } = options;
    const text = (words as unknown as string[]).join(' ') || undefined;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ text, hook, type, signer, license, kernel }))
      if (value !== undefined) query.set(name, value);
    if (query.size === 0) throw new UsageError('Cannot search: needs a text or a condition');
    const found = await api.ask(`/v1/packages?${query.toString()}`, z.array(packageViewSchema));
    print.result(found, () => (found.length === 0 ? 'nothing is found' : packagesTable(found, print)));
  });
}

function runningText(usedBy: PackageUse[]): string {
  if (usedBy.length === 0) return 'no chain runs it';
  const places = usedBy.map(({ node, interface: name, hook, kf }) => `  ${node}/${name}/${hook}: ${kf}`);
  return ['it still runs in:', ...places].join('\n');
}
