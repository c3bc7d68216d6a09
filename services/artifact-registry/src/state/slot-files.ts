import { open, mkdir, readdir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { unlinkIfThere } from './files';

/** Where a piece lies in its owner's file. */
export interface Slot {
  index: number;
  size: number;
}

const headerBytes = 128;
const handlesMax = 64;

/**
 * One file per owner, in slots of one size, each with a header that says what is in it: a write of a piece is one
 * call, where a file per piece would take three and an inode. For what may be lost or damaged at any time.
 */
export class SlotFiles {
  /** Those used lately, the latest last. */
  private readonly handles = new Map<string, Promise<FileHandle>>();

  constructor(
    private readonly folder: string,
    private readonly pieceBytesMax: number,
  ) {}

  async write(
    owner: string,
    slot: number,
    { piece, bytes }: { piece: string; bytes: Uint8Array },
  ): Promise<void> {
    const header = Buffer.alloc(headerBytes, ' ');
    header.write(JSON.stringify({ piece, size: bytes.length }));
    const file = await this.file(owner);
    await file.writev([header, bytes], slot * this.stride);
  }

  /** As many of the bytes as are there. */
  async read(
    file: FileHandle,
    { index, size }: Slot,
    into: Buffer = Buffer.allocUnsafeSlow(size),
  ): Promise<Buffer> {
    const { bytesRead } = await file.read(into, 0, size, index * this.stride + headerBytes);
    return into.subarray(0, bytesRead);
  }

  async remove(owner: string): Promise<void> {
    const handle = this.handles.get(owner);
    this.handles.delete(owner);
    await unlinkIfThere(this.path(owner));
    await (await handle)?.close();
  }

  /** What the folder holds from before, the oldest first. Makes the folder when there is none. */
  async load(): Promise<{ owner: string; slots: Map<string, Slot> }[]> {
    await mkdir(this.folder, { recursive: true });
    const found: { owner: string; at: number; size: number }[] = [];
    for (const owner of await readdir(this.folder)) {
      const known = await stat(this.path(owner));
      if (known.isFile()) found.push({ owner, at: known.mtimeMs, size: known.size });
    }
    const owners = [];
    for (const { owner, size } of found.sort((a, b) => a.at - b.at))
      owners.push({ owner, slots: await this.headers(owner, size) });
    return owners;
  }

  async close(): Promise<void> {
    const handles = [...this.handles.values()];
    this.handles.clear();
    for (const handle of handles) await handle.then((file) => file.close()).catch(() => undefined);
  }

  private async headers(owner: string, fileBytes: number): Promise<Map<string, Slot>> {
    const slots = new Map<string, Slot>();
    const file = await this.file(owner);
    const header = Buffer.alloc(headerBytes);
    for (let index = 0; index * this.stride < fileBytes; index++) {
      await file.read(header, 0, headerBytes, index * this.stride);
      const said = headerOf(header);
      // A hole: somebody was killed while several were written.
      if (said && said.size <= this.pieceBytesMax) slots.set(said.piece, { index, size: said.size });
    }
    return slots;
  }

  /** The file of an owner, made when there is none; open until many others were asked for. */
  async file(owner: string): Promise<FileHandle> {
    const known = this.handles.get(owner) ?? openOrCreate(this.path(owner));
    this.handles.delete(owner);
    this.handles.set(owner, known);
    known.catch(() => this.handles.delete(owner));
    const [oldest] = this.handles.keys();
    if (this.handles.size > handlesMax && oldest !== undefined) {
      const closing = this.handles.get(oldest)!;
      this.handles.delete(oldest);
      // Waits for what is under way on it.
      void closing.then((file) => file.close()).catch(() => undefined);
    }
    return known;
  }

  private get stride(): number {
    return headerBytes + this.pieceBytesMax;
  }

  private path(owner: string): string {
    return join(this.folder, owner);
  }
}

async function openOrCreate(path: string): Promise<FileHandle> {
  return open(path, 'r+').catch(() => open(path, 'w+'));
}

function headerOf(bytes: Buffer): { piece: string; size: number } | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as { piece: string; size: number };
  } catch {
    return undefined;
  }
}
