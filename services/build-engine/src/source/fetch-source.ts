import { chmod, lstat, mkdir, readdir, realpath } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import type { BuildSource } from '@l3af/contracts';
import { unpackArchive } from './archive';
import { findCredential, readTrust } from './credentials';
import { fetchGit } from './git';
import { digestTree, readTree, refused, type TreeEntry } from './tree';

/** A source on disk, ready to be compiled. */
export interface FetchedSource {
  folder: string;
  entries: TreeEntry[];
  sourceDigest: string;
  /** Of a git source. */
  commit?: string | undefined;
}

export interface FetchContext {
  workDir: string;
  /** Reads an object of the object store, checked against its digest. */
  readObject: (digest: string) => Promise<Uint8Array>;
  credentialsDir: string | undefined;
  /** PEM certificates that git trusts beside the system's. */
  gitAuthorities: string | undefined;
  signal: AbortSignal;
  say: (line: string) => void;
}

export type FolderSource = Exclude<BuildSource, { kind: 'object' }>;

/** Brings a source into the work folder and checks that nothing in it leads outside. */
export async function fetchSource(source: FolderSource, context: FetchContext): Promise<FetchedSource> {
  const root = join(context.workDir, 'source');
  await mkdir(root, { recursive: true });
  await chmod(root, 0o755);
  const commit =
    source.kind === 'git' ? await clone(source, root, context) : await unpack(source, root, context);
  await readTree(root);
  const folder = await rootOf(root, source.folder);
  const entries = await readTree(folder);
  const sourceDigest = await digestTree(folder, entries);
  context.say(`${entries.length} files, source ${sourceDigest}`);
  return { folder, entries, sourceDigest, commit };
}

async function clone(
  source: Extract<FolderSource, { kind: 'git' }>,
  folder: string,
  { workDir, credentialsDir, gitAuthorities, signal, say }: FetchContext,
): Promise<string> {
  const { credential: name } = source;
  const credential = name === undefined ? undefined : await findCredential(name, credentialsDir);
  const trust = await readTrust(credentialsDir, gitAuthorities);
  return fetchGit(source, { folder, scratch: workDir, credential, trust, signal, say });
}

async function unpack(
  source: Extract<FolderSource, { kind: 'archive' }>,
  folder: string,
  { readObject, signal, say }: FetchContext,
): Promise<undefined> {
  say(`unpacking ${source.fileName} (${source.object.sizeBytes} bytes)`);
  await unpackArchive(await readObject(source.object.digest), folder, signal);
}

/** The folder that was asked for; an archive of nothing but one folder is that folder. */
async function rootOf(root: string, asked: string | undefined): Promise<string> {
  if (asked === undefined) {
    const [only, ...others] = await readdir(root);
    const isFolder =
      only !== undefined && others.length === 0 && (await lstat(join(root, only))).isDirectory();
    return isFolder ? join(root, only) : root;
  }
  const path = posix.normalize(asked);
  const base = await realpath(root);
  const folder = await realpath(join(base, path)).catch(() => undefined);
  if (folder === undefined) throw refused(asked, 'the source has no such folder');
  if (folder !== base && !folder.startsWith(base + sep)) throw refused(asked, 'it leads out of the source');
  if (!(await lstat(folder)).isDirectory()) throw refused(asked, 'it is no folder');
  return folder;
}
