import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { L3afError, cannot, packageNameSchema, parsePackageReference, versionSchema } from '@l3af/contracts';
import { Argument, Option, type Command } from 'commander';
import { findRegistry, type RegistryOptions } from '../api/registry-address';
import type { Surroundings } from '../surroundings';
import { action, packageArgument, registryOption, transfer } from '../usage';
import { checkedBy } from './build.command';
import { pullPackage } from './pull';
import { importPath, pushPath, type PushOptions } from './push';
import { resolvePackage } from './resolve-package';
import { addSigningCommands } from './signing.commands';

/** `kf pull`, `push`, `mirror`, `sign`, `verify`, `export` and `import`: straight with the registry. */
export function addRegistryCommands(kf: Command, surroundings: Surroundings): void {
  const reference = (): Argument =>
    new Argument('<kf>', 'NAME, NAME@VERSION or NAME@sha256:…').argParser(packageArgument);
  addMoving(kf, surroundings, reference);
  addMirror(kf, surroundings, reference);
  addSigningCommands(kf, surroundings, reference);
}

function addMoving(kf: Command, surroundings: Surroundings, reference: () => Argument): void {
  const pull = kf
    .command('pull')
    .description('fetch a version: its objects, kf.yaml, readme, and an OCI layout of all that is attached')
    .addArgument(reference())
    .requiredOption('-o, --output <dir>', 'a new folder')
    .option('--credentials <file>', 'user:password for the registry that --registry names');
  transfer<RegistryOptions & { output: string }>(pull, surroundings, async (session, options, [text]) => {
    const registry = await findRegistry(session, options);
    const found = await resolvePackage(session, registry, text!);
    const files = await pullPackage(registry, found, options.output);
    session.print.write(files.map((file) => `${options.output}/${file}`).join('\n'));
  });

  const push = kf
    .command('push')
    .description('put a package into the registry as it is, without a build')
    .argument('<path>', 'a folder of `kf pull`, an archive of `kf export`, or a compiled object')
    .addOption(new Option('--name <name>', 'of the package').argParser(checkedBy(packageNameSchema)))
    .addOption(new Option('--version <version>', 'of an object').argParser(checkedBy(versionSchema)))
    .option('--key <file>', 'sign an object with this private key')
    .option('--credentials <file>', 'user:password for the registry that --registry names')
    .addOption(registryOption());
  action<PushOptions>(push, surroundings, (session, options, [path]) => pushPath(session, options, path!));

  const exporting = kf
    .command('export')
    .description('write a version with everything attached to one file, for a site without a network')
    .addArgument(reference())
    .requiredOption('-o, --output <file>', 'the archive: a tar of an OCI layout');
  transfer<RegistryOptions & { output: string }>(
    exporting,
    surroundings,
    async (session, options, [text]) => {
      const registry = await findRegistry(session, options);
      const { name, version } = await resolvePackage(session, registry, text!);
      const archive = await registry.export(name, version);
      if (!archive)
        throw new L3afError('invalid-request', `Cannot export: "${registry.url}" is no registry of ours`, {
          hint: '`l3af kf pull` fetches from any registry, `l3af kf mirror` takes over into ours',
        });
      await writeWhole(options.output, Readable.fromWeb(archive as never));
      session.print.note(`${name}@${version} is in ${options.output}`);
    },
  );

  const importing = kf
    .command('import')
    .description('take an archive of `kf export` into the registry')
    .argument('<file>', 'the archive')
    .addOption(new Option('--name <name>', 'under this name').argParser(checkedBy(packageNameSchema)))
    .addOption(registryOption());
  action<PushOptions>(importing, surroundings, (session, options, [file]) =>
    importPath(session, options, file!),
  );
}

interface MirrorOptions extends RegistryOptions {
  from: string;
  name?: string;
  version?: string;
  plainHttp?: boolean;
}

/** `kf mirror`: the registry fetches, not this machine; credentials are those that it holds. */
function addMirror(kf: Command, surroundings: Surroundings, reference: () => Argument): void {
  const mirror = kf
    .command('mirror')
    .description('take a version over from another registry, with its signatures and all that is attached')
    .addArgument(reference())
    .requiredOption('--from <url>', 'the other registry: https://HOST[:PORT]')
    .addOption(new Option('--name <name>', 'under this name').argParser(checkedBy(packageNameSchema)))
    .addOption(new Option('--version <version>', 'as this version').argParser(checkedBy(versionSchema)))
    .option('--credentials <name>', 'credentials that our registry holds under this name')
    .option('--plain-http', 'the other registry may be without TLS')
    .addOption(registryOption());
  action<MirrorOptions>(mirror, surroundings, async (session, options, [text]) => {
    const { name, version = 'latest', digest } = parsePackageReference(text!)!;
    const { credentials, registry: address, ...rest } = options;
    const registry = await findRegistry(session, {
      ...rest,
      ...(address !== undefined && { registry: address }),
    });
    const mirrored = await registry.mirror({
      from: options.from,
      name,
      reference: digest ?? version,
      ...(options.name !== undefined && { as: options.name }),
      ...(options.version !== undefined && { version: options.version }),
      ...(credentials !== undefined && { credentials }),
      ...(options.plainHttp && { insecure: true }),
    });
    session.print.result(mirrored, () => `${mirrored.name}@${mirrored.version} ${mirrored.digest}`);
  });
}

/** A file that is there is whole: what breaks off leaves none. */
async function writeWhole(path: string, content: Readable): Promise<void> {
  const part = `${path}.part`;
  try {
    await pipeline(content, createWriteStream(part));
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new L3afError('invalid-request', cannot('write', 'file', path, reason), { cause });
  }
}
