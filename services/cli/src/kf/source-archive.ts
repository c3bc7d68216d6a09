import { open, readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { L3afError, cannot } from '@l3af/contracts';
import { archiveFolder, archiveLimits, type FolderArchive } from './folder-archive';

/** What the builder takes; `fileCount` is unknown of an archive that is sent as it is. */
export type SourceArchive = Omit<FolderArchive, 'fileCount'> & Partial<Pick<FolderArchive, 'fileCount'>>;

/** Where a tar archive says that it is one. */
const tarMagicAt = 257;

const others: readonly [string, string][] = [
  ['fd377a585a00', 'an xz archive'],
  ['425a68', 'a bzip2 archive'],
  ['28b52ffd', 'a zstd archive'],
  ['504b0304', 'a zip archive'],
];

/** What can be built, for whoever named something else. */
export const sourcesHint =
  'Name a folder with a kf.yaml or a NAME.bpf.c in it, one NAME.bpf.c, a .tar or .tar.gz, a git URL, or an object built by clang -O2 -g -target bpf';

/** Whether a file is a compiled object, by its first bytes. */
export async function isObject(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && (await readHead(path, 4)).toString('latin1') === '\x7fELF';
}

/** A folder or one source file, packed; or a tar or tar.gz archive as it is. */
export async function archiveSource(path: string): Promise<SourceArchive> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return archiveFolder(path);
  const kind = await kindOf(path);
  if (kind === 'file') return archiveFolder(path);
  if (found.size > archiveLimits.sizeBytesMax)
    throw new L3afError(
      'payload-too-large',
      cannot(
        'build',
        'archive',
        path,
        `it has ${found.size} bytes, needs at most ${archiveLimits.sizeBytesMax}`,
      ),
    );
  const bytes = await readFile(path);
  const fileName = basename(path);
  if (kind === 'tar.gz') return { content: bytes, fileName };
  return { content: await promisify(gzip)(bytes), fileName: `${fileName}.gz` };
}

async function kindOf(path: string): Promise<'file' | 'tar' | 'tar.gz'> {
  const head = await readHead(path, tarMagicAt + 5);
  if (head.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))) return 'tar.gz';
  if (head.subarray(tarMagicAt).toString('latin1') === 'ustar') return 'tar';
  if (path.endsWith('.bpf.c')) return 'file';
  const other = others.find(([magic]) => head.toString('hex').startsWith(magic))?.[1];
  const refusal =
    other === undefined
      ? cannot('build', 'file', path, 'it is no NAME.bpf.c, no tar or tar.gz, and no compiled object')
      : cannot('build', 'archive', path, `it is ${other}, needs a folder, a tar or a tar.gz`);
  throw new L3afError('source-unavailable', refusal, { hint: sourcesHint });
}

async function readHead(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
