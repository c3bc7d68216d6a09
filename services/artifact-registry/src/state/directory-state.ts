import { access, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryParts } from './directory-parts';
import { DirectoryRecords } from './directory-records';
import { namesIn, unlinkIfThere } from './files';
import type { RegistryState } from './state';

const temporaryAgeMsMax = 24 * 3_600_000;

/** Registry state in a folder, which several registry processes may share. */
export async function directoryState(folder: string, { sync = false } = {}): Promise<RegistryState> {
  const at = (name: string): string => join(folder, name);
  for (const name of ['records', 'uploads', 'parts', 'temporary']) await mkdir(at(name), { recursive: true });
  await sweepTemporary(at('temporary'));
  const temporary = { folder: at('temporary'), sync };
  return {
    records: new DirectoryRecords(at('records'), temporary),
    uploads: new DirectoryRecords(at('uploads'), temporary),
    parts: new DirectoryParts(at('parts'), sync),
    check: () => access(at('records')),
  };
}

/** What a killed process left half-written. Young files may be another process's work. */
async function sweepTemporary(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > temporaryAgeMsMax) await unlinkIfThere(path);
  }
}
