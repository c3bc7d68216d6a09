import { mkdir, lstat, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryParts } from './directory-parts';
import type { PartReference, Parts } from './state';

/**
 * Parts from afar with those lately stored or read kept on this machine's disk. What is kept is held against
 * its checksum at each reading; it may be lost or damaged at any time, which costs a longer way and nothing else.
 */
export class CachedParts implements Parts {
  readonly bytesMax: number;
  /** Size by name, the oldest first. */
  private readonly kept = new Map<string, number>();
  private keptBytes = 0;

  private constructor(
    private readonly far: Parts,
    private readonly near: DirectoryParts,
    private readonly keepBytesMax: number,
  ) {
    this.bytesMax = far.bytesMax;
  }

  /**
   * Opens the folder, making it if it is not there, and goes on with what it holds. Returns the parts from afar
   * themselves when the folder is no folder of this user: somebody else could have put anything there.
   */
  static async open(far: Parts, options: { folder: string; bytesMax: number }): Promise<Parts> {
    const { folder, bytesMax } = options;
    if (bytesMax === 0) return far;
    const [partsFolder, temporary] = [join(folder, 'parts'), join(folder, 'temporary')];
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found = await lstat(folder);
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return far;
    // Half-written files of a process that was killed.
    await rm(temporary, { recursive: true, force: true });
    for (const one of [partsFolder, temporary]) await mkdir(one, { recursive: true });
    const near = new DirectoryParts(partsFolder, { folder: temporary, sync: false });
    const cached = new CachedParts(far, near, bytesMax);
    await cached.load(partsFolder);
    return cached;
  }

  newName(): string {
    return this.far.newName();
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await Promise.all([this.far.put(name, bytes), this.keep(name, bytes)]);
  }

  async get(part: PartReference, into?: Buffer<ArrayBuffer>): Promise<Uint8Array> {
    if (this.kept.has(part.name)) {
      try {
        return await this.near.get(part, into);
      } catch {
        await this.forget(part.name);
      }
    }
    const bytes = await this.far.get(part, into);
    await this.keep(part.name, bytes);
    return bytes;
  }

  async delete(name: string): Promise<void> {
    await this.forget(name);
    await this.far.delete(name);
  }

  private async load(folder: string): Promise<void> {
    const found: { name: string; size: number; at: number }[] = [];
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const { size, mtimeMs } = await stat(join(entry.parentPath, entry.name));
      found.push({ name: entry.name, size, at: mtimeMs });
    }
    for (const { name, size } of found.sort((a, b) => a.at - b.at)) this.count(name, size);
    await this.makeRoom();
  }

  /** A full or failing disk keeps nothing: that is no failure. */
  private async keep(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.near.put(name, bytes);
      this.count(name, bytes.length);
      await this.makeRoom();
    } catch {
      await this.forget(name);
    }
  }

  private count(name: string, size: number): void {
    this.keptBytes += size - (this.kept.get(name) ?? 0);
    this.kept.set(name, size);
  }

  private async makeRoom(): Promise<void> {
    for (const name of this.kept.keys()) {
      if (this.keptBytes <= this.keepBytesMax) return;
      await this.forget(name);
    }
  }

  private async forget(name: string): Promise<void> {
    this.keptBytes -= this.kept.get(name) ?? 0;
    this.kept.delete(name);
    await this.near.delete(name).catch(() => undefined);
  }
}
