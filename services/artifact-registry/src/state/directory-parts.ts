import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unlinkIfThere, writeTemporary } from './files';
import type { Temporary } from './files';
import type { Parts } from './state';

/** Parts as files, written aside and renamed: a part is there whole or not at all. */
export class DirectoryParts implements Parts {
  readonly bytesMax = 2 * 1024 * 1024;

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
    await mkdir(dirname(path), { recursive: true });
    await rename(temporary, path);
  }

  get(name: string): Promise<Uint8Array> {
    return readFile(this.path(name));
  }

  delete(name: string): Promise<void> {
    return unlinkIfThere(this.path(name));
  }

  private path(name: string): string {
    return join(this.root, name.slice(0, 2), name);
  }
}
