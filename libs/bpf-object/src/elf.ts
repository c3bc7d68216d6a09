import { SliceReader, invalidObject } from './reader';

export interface ElfSection {
  index: number;
  name: string;
  type: number;
  flags: number;
  /** Empty for sections without content in the file (.bss). */
  content: Uint8Array;
  sizeBytes: number;
  link: number;
  info: number;
}

export interface ElfSymbol {
  name: string;
  kind: 'function' | 'object' | 'section' | 'other';
  local: boolean;
  section: number;
  offset: number;
  sizeBytes: number;
}

/** A relocation: the place in the section it applies to, and the symbol it names. */
export interface ElfRelocation {
  offset: number;
  symbol: number;
}

export interface ElfObject {
  littleEndian: boolean;
  sections: ElfSection[];
  symbols: ElfSymbol[];
}

/** bpfman's limit for an object inside an image. */
export const objectSizeBytesMax = 16 * 1024 * 1024;

const sectionType = { progbits: 1, symtab: 2, rela: 4, nobits: 8, rel: 9 } as const;
const relocatable = 1;
const machineBpf = 247;
const executable = 4;

/** Reads an ELF64 relocatable BPF object of either byte order. Throws `invalid-object` for anything else. */
export function readElf(bytes: Uint8Array): ElfObject {
  if (bytes.byteLength > objectSizeBytesMax) {
    throw invalidObject(
      'ELF header',
      0,
      `has ${bytes.byteLength} bytes, needs at most ${objectSizeBytesMax}`,
    );
  }
  const littleEndian = checkIdentity(bytes);
  const file = new SliceReader(bytes, { section: 'ELF header', littleEndian });
  if (file.u16(16) !== relocatable) throw file.fail(16, 'is not a relocatable object, needs ET_REL');
  const machine = file.u16(18);
  if (machine !== machineBpf) throw file.fail(18, `is for machine ${machine}, needs BPF (${machineBpf})`);
  const sections = readSections(file);
  return { littleEndian, sections, symbols: readSymbols(sections, littleEndian) };
}

function checkIdentity(bytes: Uint8Array): boolean {
  const magic = [0x7f, 0x45, 0x4c, 0x46];
  if (bytes.byteLength < 64)
    throw invalidObject('ELF header', bytes.byteLength, `ends at byte ${bytes.byteLength}, needs 64`);
  if (!magic.every((byte, index) => bytes[index] === byte))
    throw invalidObject('ELF header', 0, 'is not an ELF file');
  if (bytes[4] !== 2) throw invalidObject('ELF header', 4, 'is not a 64-bit object');
  if (bytes[5] !== 1 && bytes[5] !== 2) throw invalidObject('ELF header', 5, 'has no known byte order');
  return bytes[5] === 1;
}

function readSections(file: SliceReader): ElfSection[] {
  const start = file.u64(40);
  const entryBytes = file.u16(58);
  if (start === 0) throw file.fail(40, 'has no sections');
  if (entryBytes !== 64) throw file.fail(58, `has section headers of ${entryBytes} bytes, needs 64`);
  // With 0xff00 sections or more the real numbers are in the first section header.
  const count = file.u16(60) || file.u64(start + 32);
  if (count > file.size / entryBytes)
    throw file.fail(60, `has ${count} sections, which do not fit: it is cut short`);
  file.slice(start, count * entryBytes);
  const namesIndex = file.u16(62) === 0xffff ? file.u32(start + 40) : file.u16(62);
  const header = (index: number): number => start + index * entryBytes;
  if (namesIndex >= count) throw file.fail(62, `names section ${namesIndex} of ${count}`);
  const names = new SliceReader(content(file, header(namesIndex)), {
    section: '.shstrtab',
    littleEndian: file.options.littleEndian,
  });
  return Array.from({ length: count }, (_, index) => ({
    index,
    name: index === 0 ? '' : names.text(file.u32(header(index))),
    type: file.u32(header(index) + 4),
    flags: file.u64(header(index) + 8),
    content: content(file, header(index)),
    sizeBytes: file.u64(header(index) + 32),
    link: file.u32(header(index) + 40),
    info: file.u32(header(index) + 44),
  }));
}

function content(file: SliceReader, header: number): Uint8Array {
  const type = file.u32(header + 4);
  if (type === sectionType.nobits || type === 0) return new Uint8Array(0);
  return file.slice(file.u64(header + 24), file.u64(header + 32));
}

const symbolKinds: Record<number, ElfSymbol['kind']> = { 1: 'object', 2: 'function', 3: 'section' };

function readSymbols(sections: ElfSection[], littleEndian: boolean): ElfSymbol[] {
  const table = sections.find((section) => section.type === sectionType.symtab);
  if (!table) return [];
  const strings = sections[table.link];
  if (!strings) throw invalidObject(table.name, 0, `names section ${table.link} of ${sections.length}`);
  const names = new SliceReader(strings.content, { section: strings.name, littleEndian });
  const reader = new SliceReader(table.content, { section: table.name, littleEndian });
  if (reader.size % 24 !== 0) throw reader.fail(reader.size, 'has half a symbol at its end');
  return Array.from({ length: reader.size / 24 }, (_, index) => {
    const at = index * 24;
    const info = reader.u8(at + 4);
    const nameAt = reader.u32(at);
    return {
      name: nameAt === 0 ? '' : names.text(nameAt),
      kind: symbolKinds[info & 15] ?? 'other',
      local: info >> 4 === 0,
      section: reader.u16(at + 6),
      offset: reader.u64(at + 8),
      sizeBytes: reader.u64(at + 16),
    };
  });
}

/** The relocations that apply to a section. */
export function relocationsOf(elf: ElfObject, target: ElfSection): ElfRelocation[] {
  const tables = elf.sections.filter(
    ({ type, info }) => (type === sectionType.rel || type === sectionType.rela) && info === target.index,
  );
  return tables.flatMap((table) => {
    const reader = new SliceReader(table.content, { section: table.name, littleEndian: elf.littleEndian });
    const entryBytes = table.type === sectionType.rel ? 16 : 24;
    return Array.from({ length: Math.floor(reader.size / entryBytes) }, (_, index) => ({
      offset: reader.u64(index * entryBytes),
      // r_info is symbol << 32 | type, so the symbol is its upper word in either byte order.
      symbol: reader.u32(index * entryBytes + (elf.littleEndian ? 12 : 8)),
    }));
  });
}

export const isExecutable = (section: ElfSection): boolean =>
  section.type === sectionType.progbits && (section.flags & executable) !== 0;

export const sectionNamed = (elf: ElfObject, name: string): ElfSection | undefined =>
  elf.sections.find((section) => section.name === name);
