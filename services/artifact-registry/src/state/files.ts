import { randomUUID } from 'node:crypto';
import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Whether an error is one of these errnos. */
export const isErrno = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');

/** The names in a folder; none when there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** A folder for files that are being written. */
export interface Temporary {
  folder: string;
  /** Wait for the disk, so that a power cut loses nothing either; a killed process never does. */
  sync: boolean;
}

/** Writes bytes to a new file of the folder; returns its path. */
export async function writeTemporary({ folder, sync }: Temporary, bytes: Uint8Array): Promise<string> {
  const path = join(folder, randomUUID());
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    if (sync) await file.datasync();
  } finally {
    await file.close();
  }
  return path;
}
