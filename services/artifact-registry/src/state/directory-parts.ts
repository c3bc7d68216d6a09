import { randomUUID } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckedParts } from './checked-parts';
import { isErrno, namesIn, unlinkIfThere } from './files';
import type { PartReference, Parts } from './state';

/**
 * Parts as files in a folder per owner. A file that a killed process left half-written is one that no document
 * names; each is held against its checksum when it is read first, or has changed.
 */
export class DirectoryParts implements Parts {
  readonly bytesMax = 1024 * 1024;
  private readonly checked = new CheckedParts();

  constructor(
    private readonly root: string,
    /** Wait for the disk, so that a power cut loses nothing either; a killed process never does. */
    private readonly sync: boolean,
  ) {}

  newOwner(): string {
    return randomUUID();
  }

  async put(owner: string, bytes: Uint8Array): Promise<string> {
    const piece = randomUUID();
    const file = await this.create(this.path(`${owner}/${piece}`));
    try {
      for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
      if (this.sync) await file.datasync();
    } finally {
      await file.close();
    }
    return piece;
  }

  async get(part: PartReference, into: Buffer = Buffer.allocUnsafeSlow(part.size)): Promise<Uint8Array> {
    const file = await open(this.path(part.name));
    try {
      return await this.checked.read(part, file, async () => {
        // One read of the whole part; reading by the file's size would take several, and a look at it first.
        const { bytesRead } = await file.read(into, 0, part.size, 0);
        return into.subarray(0, bytesRead);
      });
    } finally {
      await file.close();
    }
  }

  /** Files need no list of what belongs together. */
  seal(): Promise<void> {
    return Promise.resolve();
  }

  async sweep(owner: string, keep: ReadonlySet<string>): Promise<void> {
    for (const piece of await namesIn(this.path(owner)))
      if (!keep.has(piece)) await unlinkIfThere(this.path(`${owner}/${piece}`));
  }

  delete(owner: string): Promise<void> {
    return rm(this.path(owner), { recursive: true, force: true });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async create(path: string): Promise<FileHandle> {
    try {
      return await open(path, 'w');
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      await mkdir(dirname(path), { recursive: true });
      return open(path, 'w');
    }
  }

  private path(name: string): string {
    return join(this.root, name.slice(0, 2), name);
  }
}
