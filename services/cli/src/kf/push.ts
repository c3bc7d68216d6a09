import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { L3afError, cannot } from '@l3af/contracts';
import { signDigest } from '@l3af/oci';
import { findRegistry, type Imported, type Registry, type RegistryOptions } from '../api/registry-address';
import type { Session } from '../session';
import { isLayout, packLayout, unpackLayout } from './oci-layout';
import { pushLayout } from './push-layout';
import { pushObject } from './push-object';
import { readKey } from './signing.commands';

export interface PushOptions extends RegistryOptions {
  name?: string;
  version?: string;
  key?: string;
}

/** `kf push`: an object, a folder of `kf pull` or an archive of `kf export`, to our registry or to any other. */
export async function pushPath(session: Session, options: PushOptions, path: string): Promise<void> {
  const found = await stat(path).catch((cause: Error) => {
    throw new L3afError('source-unavailable', `Cannot read "${path}": ${cause.message}`);
  });
  if (found.isDirectory() && !(await isLayout(path)))
    throw new L3afError('source-unavailable', cannot('push', 'folder', path, 'it is no OCI layout'), {
      hint: '`l3af kf build DIR` builds a folder of source',
    });
  const isObject = found.isFile() && (await startsWith(path, '\x7fELF'));
  const key = options.key === undefined ? undefined : await readKey(options.key);
  const registry = await findRegistry(session, options);
  if (!isObject) {
    if (!(await registry.isOurs()))
      return tell(session, await pushElsewhere(registry, { path, name: options.name }));
    const archive = found.isDirectory() ? packLayout(path) : await archiveOf(path);
    return importFrom(session, registry, { archive, name: options.name });
  }
  const { name, version, digest } = await pushObject(registry, path, options);
  if (key !== undefined) await signDigest(registry.client, name, digest, key);
  else session.print.note(`not signed: \`l3af kf sign ${name}@${version} --key FILE\` signs it`);
  session.print.result({ name, version, digest }, () => `${name}@${version} ${digest}`);
}

/** `kf import`: our registry takes an archive as a whole. */
export async function importPath(session: Session, options: PushOptions, file: string): Promise<void> {
  const registry = await findRegistry(session, options);
  if (!(await registry.isOurs()))
    throw new L3afError('invalid-request', `Cannot import: "${registry.url}" is no registry of ours`, {
      hint: '`l3af kf push FILE` pushes an archive to any registry',
    });
  await importFrom(session, registry, { archive: await archiveOf(file), name: options.name });
}

async function pushElsewhere(
  { client }: Registry,
  { path, name }: { path: string; name: string | undefined },
): Promise<Imported> {
  if (await isLayout(path)) return pushLayout(client, path, name);
  const folder = await mkdtemp(join(tmpdir(), 'l3af-push-'));
  try {
    await unpackLayout(await archiveOf(path), folder);
    return await pushLayout(client, folder, name);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function importFrom(
  session: Session,
  registry: Registry,
  { archive, name }: { archive: AsyncIterable<Uint8Array>; name: string | undefined },
): Promise<void> {
  tell(session, await registry.import(archive, name));
}

function tell(session: Session, imported: Imported): void {
  // Signatures have tags of digests; what people ask for are versions.
  const lines = imported
    .filter(({ tag }) => tag !== undefined && !tag.startsWith('sha256-'))
    .map((one) => `${one.name}@${one.tag!} ${one.digest}`);
  session.print.result(imported, () => lines.join('\n') || 'the archive holds no version');
}

async function archiveOf(file: string): Promise<AsyncIterable<Uint8Array>> {
  await stat(file).catch((cause: Error) => {
    throw new L3afError('source-unavailable', `Cannot read file "${file}": ${cause.message}`);
  });
  return createReadStream(file);
}

async function startsWith(path: string, magic: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length));
  return buffer.subarray(0, bytesRead).toString('latin1') === magic;
}
