import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip } from 'node:zlib';
import { L3afError } from '@l3af/contracts';
import { extract } from 'tar-stream';
import { sizeLimits } from './media-types';

const blockBytes = 512;
const storedBytesMax = 65_535;

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

/** A ustar archive of one file, with every field that could differ between machines fixed. */
export function tarOf(fileName: string, bytes: Uint8Array): Uint8Array {
  const header = Buffer.alloc(blockBytes);
  header.write(fileName, 0, 100, 'utf8');
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(bytes.length, 12), 124);
  header.write(octal(0, 12), 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((blockBytes - (bytes.length % blockBytes)) % blockBytes);
  return Buffer.concat([header, bytes, padding, Buffer.alloc(2 * blockBytes)]);
}

/**
 * A gzip of stored blocks. Deflate's output differs between zlib versions and processors, and with it the
 * digest of an unchanged build; objects are small, so nothing is worth that.
 */
export function gzipStored(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])];
  for (let start = 0; start === 0 || start < bytes.length; start += storedBytesMax) {
    const block = bytes.subarray(start, start + storedBytesMax);
    const head = Buffer.alloc(5);
    head.writeUInt8(start + storedBytesMax >= bytes.length ? 1 : 0, 0);
    head.writeUInt16LE(block.length, 1);
    head.writeUInt16LE(~block.length & 0xffff, 3);
    parts.push(head, block);
  }
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(crc32(bytes), 0);
  tail.writeUInt32LE(bytes.length % 2 ** 32, 4);
  return Buffer.concat([...parts, tail]);
}

const isElf = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

async function* bounded(source: AsyncIterable<Buffer>, bytesMax: number): AsyncIterable<Buffer> {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    if (total > bytesMax)
      throw new L3afError('payload-too-large', `Cannot unpack layer: it unpacks to over ${bytesMax} bytes`);
    yield chunk;
  }
}

/** The one ELF object at the root of a tar+gzip layer; throws `invalid-image` when there is none or several. */
export async function objectOfLayer(layer: Uint8Array): Promise<Uint8Array> {
  const objects: Uint8Array[] = [];
  const archive = extract();
  archive.on('entry', (entry, stream, next) => {
    const chunks: Buffer[] = [];
    // The archive reports it too; unmet here, it would end the process.
    stream.on('error', () => undefined);
    stream.on('data', (chunk) => chunks.push(chunk as Buffer));
    stream.on('end', () => {
      const atRoot = !entry.name.replace(/^\.?\//, '').includes('/');
      const bytes = Buffer.concat(chunks);
      if (entry.type === 'file' && atRoot && isElf(bytes)) objects.push(bytes);
      next();
    });
  });
  try {
    // The archive's headers and padding come on top of the object.
    const bytesMax = sizeLimits.object + 64 * 1024;
    await pipeline(
      Readable.from([layer]),
      createGunzip(),
      (source: AsyncIterable<Buffer>) => bounded(source, bytesMax),
      archive,
    );
  } catch (cause) {
    if (cause instanceof L3afError) throw cause;
    throw new L3afError('invalid-image', 'Cannot unpack layer: it is not a gzipped tar archive', { cause });
  }
  const [object] = objects;
  if (object === undefined || objects.length > 1)
    throw new L3afError(
      'invalid-image',
      `Cannot unpack layer: it has ${objects.length} ELF objects at its root, needs one`,
    );
  if (object.length > sizeLimits.object)
    throw new L3afError('payload-too-large', `Cannot unpack layer: its object has ${object.length} bytes`);
  return object;
}
