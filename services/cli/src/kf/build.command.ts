import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { L3afError, buildAcceptedSchema, cannot, packageNameSchema, versionSchema } from '@l3af/contracts';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { z } from 'zod';
import type { ApiRequest } from '../api/api-client';
import { plural } from '../output/words';
import type { CommonOptions, Session } from '../session';
import type { Surroundings } from '../surroundings';
import { UsageError, action } from '../usage';
import { awaitBuild } from './await-build';
import { awaitKernels } from './await-kernels';
import { parseGitUrl } from './git-url';
import { archiveSource, isObject } from './source-archive';

interface BuildOptions extends CommonOptions {
  name?: string;
  version?: string;
  folder?: string;
  credential?: string;
  wait: boolean;
  verified?: boolean;
}

/** `kf build` and `kf publish`. */
export function addBuildCommands(kf: Command, surroundings: Surroundings): void {
  const build = kf
    .command('build')
    .description('compile a KF from source, sign and publish it')
    .argument(
      '<source>',
      'a folder, a .tar or .tar.gz, one .bpf.c file, a compiled object, or GIT_URL[#REF[:FOLDER]]',
    )
    .option('--folder <path>', 'the folder of the KF inside the repository or archive')
    .option('--credential <name>', 'for a git URL: a credential that the builder has, by its name');
  action<BuildOptions>(withNaming(build), surroundings, (session, options, [source]) =>
    buildFrom(session, options, source!),
  );
  const published = kf
    .command('publish')
    .description('sign and publish a compiled object')
    .argument('<file>', 'an ELF object, built by clang -O2 -g -target bpf');
  action<BuildOptions>(withNaming(published), surroundings, (session, options, [file]) =>
    publish(session, options, file!),
  );
}

async function publish(session: Session, options: BuildOptions, file: string): Promise<void> {
  const body = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const state = cause.code === 'EISDIR' ? 'it is a folder, which `l3af kf build` builds' : cause.message;
    throw new L3afError('source-unavailable', cannot('publish', 'file', file, state));
  });
  if (body.length === 0)
    throw new L3afError('invalid-object', cannot('publish', 'file', file, 'it is empty'));
  const query = queryOf(options, basename(file));
  const sent = { body, contentType: 'application/octet-stream' };
  await request(session, { path: `/v1/packages?${query.toString()}`, ...sent }, options);
}

async function buildFrom(session: Session, options: BuildOptions, source: string): Promise<void> {
  const git = existsSync(source) ? undefined : parseGitUrl(source);
  if (git) {
    const folder = options.folder ?? git.folder;
    const { credential } = options;
    const body = {
      git: {
        ...git,
        ...(folder !== undefined && { folder }),
        ...(credential !== undefined && { credential }),
      },
      ...(options.name !== undefined && { name: options.name }),
      ...(options.version !== undefined && { version: options.version }),
    };
    await request(session, { path: '/v1/builds', body }, options);
    return;
  }
  if (!existsSync(source) && source.includes('#')) {
    throw new UsageError(
      `Cannot build "${source}": neither a folder nor a git URL, needs DIR or GIT_URL[#REF]`,
    );
  }
  if (await isObject(source)) {
    session.print.note(session.print.noteStyle.dim(`${source} is compiled: it is published as it is`));
    await publish(session, options, source);
    return;
  }
  const archive = await archiveSource(source);
  const what = archive.fileCount === undefined ? source : `${plural(archive.fileCount, 'file')} of ${source}`;
  session.print.note(session.print.noteStyle.dim(`sending ${what}`));
  const query = queryOf(options, archive.fileName);
  const sent = { body: archive.content, contentType: 'application/gzip' };
  await request(session, { path: `/v1/builds?${query.toString()}`, ...sent }, options);
}

async function request(
  session: Session,
  { path, ...sent }: ApiRequest & { path: string },
  options: BuildOptions,
): Promise<void> {
  const accepted = await session.api.ask(path, buildAcceptedSchema, { ...sent, method: 'POST' });
  session.print.note(session.print.noteStyle.dim(`build ${accepted.build}`));
  if (!options.wait) {
    session.print.result(accepted, () => accepted.build);
    return;
  }
  const { name, version, digest, verifiesOn } = await awaitBuild(session, accepted);
  if (options.verified) await awaitKernels(session, { name, version, digest }, verifiesOn);
  session.print.result({ name, version, digest }, () => `${name}@${version} ${digest}`);
}

function queryOf(options: BuildOptions, fileName: string): URLSearchParams {
  const query = new URLSearchParams({ fileName });
  for (const name of ['name', 'version', 'folder'] as const) {
    const value = options[name];
    if (value !== undefined) query.set(name, value);
  }
  return query;
}

function withNaming(command: Command): Command {
  return command
    .addOption(
      new Option('--name <name>', 'name of the package; default: kf.yaml, else the file name').argParser(
        checkedBy(packageNameSchema),
      ),
    )
    .addOption(
      new Option('--version <version>', "its version; default: kf.yaml, else the source's digest").argParser(
        checkedBy(versionSchema),
      ),
    )
    .option('--no-wait', 'do not wait for the build')
    .option(
      '--verified',
      'wait for the kernels that the builder asks, too; one that refuses it is a failure',
    );
}

/** Checks an option by the schema that the API checks it with. */
export const checkedBy = (schema: z.ZodString) => (text: string) => {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(`It ${parsed.error.issues[0]!.message}.`);
};
