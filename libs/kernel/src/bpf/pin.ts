import { closeSync, existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { structure } from '../sys/attributes';
import { failedWith } from '../sys/errors';
import { bpfCall } from '../sys/libc';
import { operationDone } from '../sys/operations';

const command = { objPin: 6, objGet: 7 };

const pathAttributes = (path: string, fd: number): Buffer =>
  structure(16, [
    { at: 0, pointer: Buffer.from(`${path}\0`, 'utf8') },
    { at: 8, u32: fd },
  ]);

/** Pins a map, program or link; the folder is made when it is missing. */
export function pinObject(fd: number, path: string): void {
  makeFolder(dirname(path));
  bpfCall('BPF_OBJ_PIN', command.objPin, pathAttributes(path, fd), path);
  operationDone(`pin ${path}`);
}

/** Opens a pinned object; undefined when nothing is pinned there. The caller closes the descriptor. */
export function openPin(path: string): number | undefined {
  try {
    return bpfCall('BPF_OBJ_GET', command.objGet, pathAttributes(path, 0), path);
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Runs `body` with the object pinned at `path`, and closes it; undefined when nothing is pinned there. */
export function withPin<T>(path: string, body: (fd: number) => T): T | undefined {
  const fd = openPin(path);
  if (fd === undefined) return undefined;
  try {
    return body(fd);
  } finally {
    closeSync(fd);
  }
}

export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  mkdirSync(path, { recursive: true, mode: 0o700 });
  operationDone(`mkdir ${path}`);
}

export function unpin(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  operationDone(`unlink ${path}`);
}

/** Names in a bpffs folder; none when it does not exist. */
export function listFolder(path: string): { name: string; folder: boolean }[] {
  try {
    return readdirSync(path, { withFileTypes: true }).map((entry) => ({
      name: entry.name,
      folder: entry.isDirectory(),
    }));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** Removes a bpffs folder with every pin in it, depth first, one operation at a time. */
export function removeFolder(path: string): void {
  for (const entry of listFolder(path)) {
    if (entry.folder) removeFolder(join(path, entry.name));
    else unpin(join(path, entry.name));
  }
  removeEmptyFolder(path);
}

/** Removes a folder when nothing is in it any more. */
export function removeEmptyFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTEMPTY') return;
    throw error;
  }
  operationDone(`rmdir ${path}`);
}
