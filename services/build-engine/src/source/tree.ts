import { createHash } from 'node:crypto';
import { chmod, lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { cannot, L3afError } from '@l3af/contracts';
import { sourceLimits } from '../sandbox/limits';

/** A file or symbolic link of a source, by its path relative to the source's root. */
export interface TreeEntry {
  path: string;
  kind: 'file' | 'link';
  sizeBytes: number;
}

/** The files of a source, sorted, and made readable for the sandbox; `build-limit` when there are too many, `source-unavailable` for what leads outside. */
export function readTree(root: string): Promise<TreeEntry[]> {
  return walkTree(root, true);
}

/** The same without touching anything: for folders that are not ours. */
export function listTree(root: string): Promise<TreeEntry[]> {
  return walkTree(root, false);
}

async function walkTree(root: string, isOwn: boolean): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  let totalBytes = 0;
  const base = await realpath(root);
  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > sourceLimits.depth) throw tooMuch(`folders are nested deeper than ${sourceLimits.depth}`);
    for (const name of (await readdir(join(base, folder))).sort()) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (name === '.git') continue;
      const info = await lstat(join(base, path));
      if (info.isDirectory()) {
        if (isOwn) await chmod(join(base, path), 0o755); // the sandbox's user is nobody
        await walk(path, depth + 1);
        continue;
      }
      if (info.isSymbolicLink()) await checkLink(base, path);
      else if (!info.isFile()) throw refused(path, 'it is no file, folder or symbolic link');
      if (isOwn && info.isFile()) await chmod(join(base, path), 0o644);
      totalBytes += info.size;
      entries.push({ path, kind: info.isSymbolicLink() ? 'link' : 'file', sizeBytes: info.size });
      checkSizes({ entries: entries.length, totalBytes, path, fileBytes: info.size });
    }
  };
  await walk('', 0);
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function checkSizes(sizes: {
  entries: number;
  totalBytes: number;
  path: string;
  fileBytes: number;
}): void {
  if (sizes.entries > sourceLimits.files) throw tooMuch(`it has more than ${sourceLimits.files} files`);
  if (sizes.fileBytes > sourceLimits.fileBytes) {
    throw tooMuch(`${sizes.path} has ${sizes.fileBytes} bytes, needs at most ${sourceLimits.fileBytes}`);
  }
  if (sizes.totalBytes > sourceLimits.totalBytes)
    throw tooMuch(`it has more than ${sourceLimits.totalBytes} bytes`);
}

export const tooMuch = (state: string): L3afError =>
  new L3afError('build-limit', cannot('take', 'source', 'archive or repository', state));

export const refused = (path: string, state: string): L3afError =>
  new L3afError('source-unavailable', cannot('take', 'source file', path, state), { details: { path } });

/** Links are followed by the system, not by their text: only where one really ends counts. */
async function checkLink(base: string, path: string): Promise<void> {
  const end = await realpath(join(base, path)).catch(() => undefined);
  if (end === undefined)
    throw refused(path, `it is a symbolic link to ${await readlink(join(base, path))}, which is not there`);
  if (end !== base && !end.startsWith(base + sep))
    throw refused(path, 'it is a symbolic link that leads out of the source');
}

/** sha256 over paths, kinds and contents: the same for an archive, a folder and a commit with the same files. */
export async function digestTree(root: string, entries: TreeEntry[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { path, kind } of entries) {
    const content = kind === 'link' ? await readlink(join(root, path)) : await readFile(join(root, path));
    const own = createHash('sha256').update(content).digest('hex');
    hash.update(`${kind} ${own} ${JSON.stringify(path)}\n`);
  }
  return `sha256:${hash.digest('hex')}`;
}
