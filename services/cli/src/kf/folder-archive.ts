import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { L3afError, cannot } from '@l3af/contracts';
import { pack } from 'tar-stream';
import { bytes } from '../output/words';

/** What is never source. Files that git ignores are sent: a generated vmlinux.h is often among them. */
const leftOut = new Set(['.git', '.hg', '.svn', 'node_modules', '.l3af', '.nx', '.cache', '.DS_Store']);
const leftOutFiles = /\.(o|ko|swp|tmp)$|~$/;

export const archiveLimits = { files: 10_000, sizeBytesMax: 64 * 1024 * 1024 } as const;

export interface FolderArchive {
  /** A tar.gz whose bytes depend on the names and contents of the files only. */
  content: Uint8Array;
  fileName: string;
  fileCount: number;
}

/**
 * Packs a folder, or one source file. Symbolic links are followed, so that shared headers come along.
 * The same files give the same bytes: names are sorted, times, owners and modes are fixed.
 */
export async function archiveFolder(
  path: string,
  limits: { files: number; sizeBytesMax: number } = archiveLimits,
): Promise<FolderArchive> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new L3afError('source-unavailable', cannot('build', 'folder', path, 'it does not exist'), {
      cause,
    });
  });
  const real = await realpath(path);
  const root = found.isDirectory() ? real : dirname(real);
  const files = found.isDirectory()
    ? await filesBelow(root, { asked: path, filesMax: limits.files })
    : [real];
  if (files.length === 0) {
    throw new L3afError('source-unavailable', cannot('build', 'folder', path, 'it holds no source files'), {
      hint: 'Put a NAME.bpf.c into it, and a kf.yaml to give it a name and a version',
    });
  }
  const archive = pack();
  let total = 0;
  for (const file of files.sort()) {
    const content = await readFile(file);
    total += content.byteLength;
    if (total > limits.sizeBytesMax) throw tooLarge(path, `over ${bytes(limits.sizeBytesMax)}`);
    const name = relative(root, file);
    archive.entry({ name, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' }, content);
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  // zlib writes no time and no name into the header, so this too is the same every time.
  const content = await promisify(gzip)(Buffer.concat(chunks));
  return { content, fileName: `${basename(real)}.tar.gz`, fileCount: files.length };
}

async function filesBelow(
  root: string,
  { asked, filesMax }: { asked: string; filesMax: number },
): Promise<string[]> {
  const files: string[] = [];
  const walk = async (folder: string, above: readonly string[]): Promise<void> => {
    const real = await realpath(folder);
    if (above.includes(real)) return; // a link to a folder around it
    for (const name of await readdir(folder)) {
      if (leftOut.has(name) || leftOutFiles.test(name)) continue;
      const path = join(folder, name);
      const entry = await stat(path).catch(() => undefined); // a link to nothing
      if (entry?.isDirectory()) await walk(path, [...above, real]);
      else if (entry?.isFile()) files.push(path);
      if (files.length > filesMax) throw tooLarge(asked, `over ${filesMax} files`);
    }
  };
  await walk(root, []);
  return files;
}

const tooLarge = (path: string, state: string): L3afError =>
  new L3afError('payload-too-large', cannot('build', 'folder', path, state), {
    hint: 'Name the folder of one KF',
  });
