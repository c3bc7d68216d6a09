import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { cannot, L3afError } from '@l3af/contracts';
import type { PartReference } from './state';

/** Parts that are remembered: of 1 MiB each, the last 16 GiB that were read. */
const rememberedMax = 16 * 1024;

/** The bytes, if they are what the part was when it was stored; else throws `digest-mismatch`. */
export function checkedPart(part: PartReference, bytes: Uint8Array): Uint8Array {
  if (bytes.length === part.size && crc32(bytes) === part.crc32) return bytes;
  throw new L3afError('digest-mismatch', cannot('read', 'part', part.name, 'it is not what was stored'));
}

/**
 * Parts in files, held against their checksum when this process first reads them, and again when their file has
 * changed since: the checksum takes half of the time of a pull, and most parts are pulled by many nodes.
 */
export class CheckedParts {
  /** How the file of a part was when the part was found right, by name and checksum; the oldest first. */
  private readonly stamps = new Map<string, string>();

  /** What `read` gives, checked; the file is the one it reads from. */
  async read(part: PartReference, file: FileHandle, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
    // Looked at before: what is changed while it is read is found by the next reader.
    const stamp = await stampOf(file);
    const bytes = await read();
    const known = `${part.name} ${part.crc32}`;
    if (bytes.length === part.size && this.stamps.get(known) === stamp) return bytes;
    checkedPart(part, bytes);
    this.stamps.delete(known);
    this.stamps.set(known, stamp);
    const [oldest] = this.stamps.keys();
    if (this.stamps.size > rememberedMax && oldest !== undefined) this.stamps.delete(oldest);
    return bytes;
  }
}

/** Which file it is, and when it was last changed in any way: nobody can set that back. */
async function stampOf(file: FileHandle): Promise<string> {
  const { ino, size, ctimeNs } = await file.stat({ bigint: true });
  return `${ino} ${size} ${ctimeNs}`;
}
