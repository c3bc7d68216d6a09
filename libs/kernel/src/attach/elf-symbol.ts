import { closeSync, openSync, readSync } from 'node:fs';
import { cannot, L3afError } from '@l3af/contracts';

const magic = 0x464c_457f;
const [class64, littleEndian] = [2, 1];
const [symbolTable, dynamicSymbols] = [2, 11];
const [loadSegment, functionSymbol] = [1, 2];
/** Larger tables than any program has. */
const tableBytesMax = 512 * 1024 * 1024;

interface Section {
  type: number;
  offset: number;
  bytes: number;
  link: number;
}

/**
 * Where a function is in an executable file or shared library: its offset in the file, which uprobes want. From the symbol table, else from
 * the dynamic one, which is still there in a stripped file. 64-bit little-endian ELF.
 */
export function functionOffset(path: string, symbol: string): number {
  const fd = open(path, symbol);
  try {
    const read = reader(fd);
    const head = read(0, 64);
    const isElf =
      head.length === 64 &&
      head.readUInt32LE(0) === magic &&
      head.readUInt8(4) === class64 &&
      head.readUInt8(5) === littleEndian;
    if (!isElf) throw refusal({ path, symbol }, 'the file is no 64-bit little-endian ELF');
    const sections = sectionsOf(read, head);
    for (const type of [symbolTable, dynamicSymbols]) {
      const address = addressIn(read, sections, { type, symbol });
      if (address !== undefined) return fileOffset(read, head, { path, symbol, address });
    }
    throw refusal({ path, symbol }, 'the file has no such function, or its symbols were stripped');
  } finally {
    closeSync(fd);
  }
}

type Read = (from: number, bytes: number) => Buffer;

const reader =
  (fd: number): Read =>
  (from, bytes) => {
    if (bytes > tableBytesMax) return Buffer.alloc(0);
    const buffer = Buffer.alloc(bytes);
    return buffer.subarray(0, readSync(fd, buffer, 0, bytes, from));
  };

function open(path: string, symbol: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw refusal({ path, symbol }, (error as Error).message, error);
  }
}

const refusal = (
  { path, symbol }: { path: string; symbol: string },
  state: string,
  cause?: unknown,
): L3afError =>
  new L3afError('attach-failed', cannot('find', 'function', `${path}:${symbol}`, state), { cause });

/** A table of entries of the same size, as the file's head tells it; cut where the file ends. */
function entries(read: Read, table: { offset: number; entryBytes: number; count: number }): Buffer[] {
  const { offset, entryBytes, count } = table;
  const bytes = read(offset, entryBytes * count);
  return Array.from({ length: Math.floor(bytes.length / Math.max(entryBytes, 1)) }, (_, index) =>
    bytes.subarray(index * entryBytes, (index + 1) * entryBytes),
  );
}

function sectionsOf(read: Read, head: Buffer): Section[] {
  const table = { offset: Number(head.readBigUInt64LE(40)), entryBytes: 64, count: head.readUInt16LE(60) };
  return entries(read, table).map((section) => ({
    type: section.readUInt32LE(4),
    offset: Number(section.readBigUInt64LE(24)),
    bytes: Number(section.readBigUInt64LE(32)),
    link: section.readUInt32LE(40),
  }));
}

const symbolBytes = 24;

function addressIn(
  read: Read,
  sections: readonly Section[],
  { type, symbol }: { type: number; symbol: string },
): number | undefined {
  const table = sections.find((section) => section.type === type);
  const strings = table && sections[table.link];
  if (!table || !strings) return undefined;
  const names = read(strings.offset, strings.bytes);
  const wanted = Buffer.from(`${symbol}\0`);
  const symbols = read(table.offset, table.bytes);
  for (let at = 0; at + symbolBytes <= symbols.length; at += symbolBytes) {
    const name = symbols.readUInt32LE(at);
    const isFunction = (symbols.readUInt8(at + 4) & 15) === functionSymbol;
    const address = Number(symbols.readBigUInt64LE(at + 8));
    // What is only referred to has no address here.
    if (!isFunction || address === 0) continue;
    if (names.subarray(name, name + wanted.length).equals(wanted)) return address;
  }
  return undefined;
}

function fileOffset(
  read: Read,
  head: Buffer,
  { path, symbol, address }: { path: string; symbol: string; address: number },
): number {
  const table = { offset: Number(head.readBigUInt64LE(32)), entryBytes: 56, count: head.readUInt16LE(56) };
  for (const segment of entries(read, table)) {
    if (segment.readUInt32LE(0) !== loadSegment) continue;
    const [offset, start] = [Number(segment.readBigUInt64LE(8)), Number(segment.readBigUInt64LE(16))];
    const bytes = Number(segment.readBigUInt64LE(32));
    if (address >= start && address < start + bytes) return address - start + offset;
  }
  throw refusal({ path, symbol }, 'it is in no part of the file that is loaded');
}
