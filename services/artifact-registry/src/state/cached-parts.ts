import { lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckedParts } from './checked-parts';
import { SlotFiles } from './slot-files';
import type { Slot } from './slot-files';
import type { PartReference, Parts, Sealed } from './state';

interface Kept {
  slots: Map<string, Slot>;
  /** Where the next piece goes. */
  next: number;
  bytes: number;
}

/**
 * Parts from afar with those lately stored or read kept on this machine's disk. What is kept is held against its
 * checksum when it is read first, or has changed; it may be lost or damaged at any time, which costs a longer way
 * and nothing else.
 */
export class CachedParts implements Parts {
  readonly bytesMax: number;
  /** By owner, the oldest first. */
  private readonly kept = new Map<string, Kept>();
  private keptBytes = 0;
  private readonly checked = new CheckedParts();
  private evicting: Promise<void> | undefined;

  private constructor(
    private readonly far: Parts,
    private readonly near: SlotFiles,
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
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found = await lstat(folder);
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return far;
    // As older versions kept them.
    for (const name of ['parts', 'temporary']) await rm(join(folder, name), { recursive: true, force: true });
    const near = new SlotFiles(join(folder, `pieces-${far.bytesMax}`), far.bytesMax);
    const cached = new CachedParts(far, near, bytesMax);
    for (const { owner, slots } of await near.load())
      for (const [piece, slot] of slots) cached.count(owner, piece, slot);
    await cached.evict();
    return cached;
  }

  newOwner(): string {
    return this.far.newOwner();
  }

  async put(owner: string, bytes: Uint8Array): Promise<string> {
    const piece = await this.far.put(owner, bytes);
    await this.keep(`${owner}/${piece}`, bytes);
    return piece;
  }

  async get(part: PartReference, into?: Buffer): Promise<Uint8Array> {
    const { owner, piece } = split(part.name);
    const slot = this.kept.get(owner)?.slots.get(piece);
    if (slot) {
      try {
        const file = await this.near.file(owner);
        return await this.checked.read(part, file, () => this.near.read(file, slot, into));
      } catch {
        this.forget(owner, piece);
      }
    }
    const bytes = await this.far.get(part, into);
    await this.keep(part.name, bytes);
    return bytes;
  }

  seal(owner: string, sealed: Sealed): Promise<void> {
    return this.far.seal(owner, sealed);
  }

  sweep(owner: string, keep: ReadonlySet<string>): Promise<void> {
    return this.far.sweep(owner, keep);
  }

  async delete(owner: string): Promise<void> {
    await this.drop(owner);
    await this.far.delete(owner);
  }

  async close(): Promise<void> {
    await this.evicting;
    await this.near.close();
  }

  /** A full or failing disk keeps nothing: that is no failure. Nor does what alone is more than all that may be. */
  private async keep(name: string, bytes: Uint8Array): Promise<void> {
    const { owner, piece } = split(name);
    const before = this.kept.get(owner);
    if ((before?.bytes ?? 0) + bytes.length > this.keepBytesMax) return;
    const slot = { index: before?.next ?? 0, size: bytes.length };
    this.count(owner, piece, slot);
    try {
      await this.near.write(owner, slot.index, { piece, bytes });
      await this.makeRoom();
    } catch {
      this.forget(owner, piece);
    }
  }

  private count(owner: string, piece: string, slot: Slot): void {
    const now = this.kept.get(owner) ?? { slots: new Map<string, Slot>(), next: 0, bytes: 0 };
    now.slots.set(piece, slot);
    now.next = Math.max(now.next, slot.index + 1);
    now.bytes += slot.size;
    this.keptBytes += slot.size;
    this.kept.delete(owner);
    this.kept.set(owner, now);
  }

  /**
   * Removes the oldest until all that is left may be. It takes a while to give back a large file's memory, for
   * which nobody waits unless twice as much as may be kept is there.
   */
  private async makeRoom(): Promise<void> {
    if (this.keptBytes <= this.keepBytesMax) return;
    this.evicting ??= this.evict().finally(() => (this.evicting = undefined));
    if (this.keptBytes > 2 * this.keepBytesMax) await this.evicting;
  }

  private async evict(): Promise<void> {
    for (const owner of this.kept.keys()) {
      if (this.keptBytes <= this.keepBytesMax) return;
      await this.drop(owner);
    }
  }

  /** Its place stays taken until its owner goes. */
  private forget(owner: string, piece: string): void {
    this.kept.get(owner)?.slots.delete(piece);
  }

  private async drop(owner: string): Promise<void> {
    const { bytes } = this.kept.get(owner) ?? { bytes: 0 };
    this.kept.delete(owner);
    await this.near.remove(owner).catch(() => undefined);
    this.keptBytes -= bytes;
  }
}

function split(name: string): { owner: string; piece: string } {
  const [owner = '', piece = ''] = name.split('/');
  return { owner, piece };
}
