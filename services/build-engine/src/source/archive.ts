import { createWriteStream } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { cannot, L3afError } from '@l3af/contracts';
import { extract } from 'tar-stream';
import { sourceLimits } from '../sandbox/limits';
import { checkSizes, refused, tooMuch } from './tree';

/** What pax and GNU tar put between files, and an empty name for the archive's own root. */
const ignored = new Set<string>(['pax-header', 'pax-global-header', 'gnu-long-path', 'gnu-long-link-path']);

/**
 * Unpacks a tar.gz into an empty folder. Names may not leave it, devices and hard links are refused, and symbolic links
 * are made last, so that nothing is written through one; where they lead is checked by `readTree`.
 */
export async function unpackArchive(
  archive: Uint8Array,
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  if (archive.byteLength > sourceLimits.archiveBytes) {
    throw tooMuch(`the archive has ${archive.byteLength} bytes, needs at most ${sourceLimits.archiveBytes}`);
  }
  const links: { path: string; target: string }[] = [];
  const unpacking = extract();
  const source = pipeline(Readable.from([archive]), createGunzip(), unpacking, { ...(signal && { signal }) });
  source.catch(() => undefined); // told by the loop below
  try {
    await writeEntries(unpacking, folder, links);
    await source;
  } catch (error) {
    if (error instanceof L3afError || signal?.aborted) throw error;
    const state = 'it is no whole tar.gz archive';
    throw new L3afError('source-unavailable', cannot('unpack', 'source', 'archive', state), { cause: error });
  }
  for (const { path, target } of links) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await symlink(target, join(folder, path)).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'EEXIST' ? refused(path, 'the archive has it twice') : cause;
    });
  }
}

async function writeEntries(
  unpacking: ReturnType<typeof extract>,
  folder: string,
  links: { path: string; target: string }[],
): Promise<void> {
  let entries = 0;
  let totalBytes = 0;
  for await (const entry of unpacking) {
    const { header } = entry;
    entries += 1;
    totalBytes += header.size ?? 0;
    const path = safePath(header.name);
    checkSizes({ entries, totalBytes, path, fileBytes: header.size ?? 0 });
    if (header.type === 'file' || header.type === 'contiguous-file') {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      // Exclusive: the same name twice is refused, and nothing that is there is followed.
      await pipeline(entry, createWriteStream(join(folder, path), { flags: 'wx', mode: 0o644 })).catch(
        (cause: NodeJS.ErrnoException) => {
          throw cause.code === 'EEXIST' ? refused(path, 'the archive has it twice') : cause;
        },
      );
      continue;
    }
    if (header.type === 'symlink') links.push({ path, target: header.linkname ?? '' });
    else if (header.type === 'directory') await mkdir(join(folder, path), { recursive: true });
    else if (!ignored.has(header.type ?? 'file'))
      throw refused(path, `it is a ${header.type ?? 'special file'}, needs files, folders or symbolic links`);
    entry.resume();
  }
}

/** The path of an archive's entry below the folder. */
function safePath(name: string): string {
  const path = posix.normalize(name);
  const isOutside = posix.isAbsolute(path) || path === '..' || path.startsWith('../') || name.includes('\0');
  if (isOutside) throw refused(name, 'its path leads out of the archive');
  return path;
}
