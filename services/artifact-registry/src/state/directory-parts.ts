import { randomUUID } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno, unlinkIfThere, writeTemporary } from './files';
import type { Temporary } from './files';
import { checkedPart } from './checked-part';
import type { PartReference, Parts } from './state';

/** Parts as files, written aside and renamed: a part is there whole or not at all. */
export class DirectoryParts implements Parts {
  readonly bytesMax = 1024 * 1024;

  constructor(
    private readonly root: string,
    private readonly temporary: Temporary,
  ) {}

  newName(): string {
    return randomUUID();
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.path(name);
    const temporary = await writeTemporary(this.temporary, bytes);
    try {
      await rename(temporary, path);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      await mkdir(dirname(path), { recursive: true });
      await rename(temporary, path);
    }
  }

  async get(part: PartReference, into = Buffer.allocUnsafeSlow(part.size)): Promise<Uint8Array> {
    const file = await open(this.path(part.name));
    try {
      // One read of the whole part; reading by the file's size would take several, and a look at it first.
      const { bytesRead } = await file.read(into, 0, part.size, 0);
      return checkedPart(part, into.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  }

  delete(name: string): Promise<void> {
    return unlinkIfThere(this.path(name));
  }

  private path(name: string): string {
    return join(this.root, name.slice(0, 2), name);
  }
}
