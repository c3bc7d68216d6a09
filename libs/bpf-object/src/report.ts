import type { StaticReport } from '@l3af/contracts';
import { type ElfObject, type ElfSection, isExecutable, readElf } from './elf';
import { helpers, mapTypes, programTypes, type Since } from './kernel-names';
import { schemaOf } from './schema';
import { SliceReader } from './reader';

const oldest = '5.10';

/** Compares releases such as `5.10` and `5.9`. */
export function compareKernels(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

/** Reads what an object needs: helpers, map and program types, instruction sets, and the first kernel that has them all. */
export function staticReport(bytes: Uint8Array): StaticReport {
  const elf = readElf(bytes);
  const schema = schemaOf(elf);
  const code = scanCode(elf);
  const mapsUsed = mapTypes.filter(({ name }) => schema.maps.some((map) => map.type === name));
  const programsUsed = [...new Set(schema.programs.flatMap(({ type }) => (type === null ? [] : [type])))].map(
    (name) => ({ name, kernel: programTypes[name] ?? oldest }),
  );
  if (schema.programs.some(({ frags }) => frags)) code.features.push({ name: 'xdp.frags', kernel: '5.18' });
  if (schema.constants.length > 0) code.features.push({ name: 'global data', kernel: '5.2' });
  const all = [...code.helpers, ...mapsUsed, ...programsUsed, ...code.features];
  return {
    ...code,
    maps: mapsUsed,
    programs: programsUsed,
    kernel: all.map(({ kernel }) => kernel).reduce((a, b) => (compareKernels(a, b) >= 0 ? a : b), oldest),
    byteOrder: elf.littleEndian ? 'little' : 'big',
    hasBtf: elf.sections.some(({ name }) => name === '.BTF'),
  };
}

interface Code {
  helpers: Since[];
  features: Since[];
  instructions: Record<string, number>;
}

const instructionBytes = 8;
const loadWide = 0x18;
const call = 0x85;

function scanCode(elf: ElfObject): Code {
  const helperIds = new Set<number>();
  const features = new Map<string, string>();
  const instructions: Record<string, number> = {};
  for (const section of elf.sections.filter(isExecutable)) {
    if (section.content.byteLength === 0) continue;
    instructions[section.name] = scanSection(section, { elf, helperIds, features });
  }
  const known = [...helperIds]
    .sort((a, b) => a - b)
    .map((id) => helpers[id] ?? { name: `helper_${id}`, kernel: '6.2' });
  return {
    helpers: known,
    features: [...features].map(([name, kernel]) => ({ name, kernel })),
    instructions,
  };
}

interface Scan {
  elf: ElfObject;
  helperIds: Set<number>;
  features: Map<string, string>;
}

function scanSection(section: ElfSection, { elf, helperIds, features }: Scan): number {
  const reader = new SliceReader(section.content, { section: section.name, littleEndian: elf.littleEndian });
  if (reader.size % instructionBytes !== 0) throw reader.fail(reader.size, 'ends inside an instruction');
  for (let at = 0; at < reader.size; at += instructionBytes) {
    const opcode = reader.u8(at);
    const registers = reader.u8(at + 1);
    const source = elf.littleEndian ? registers >> 4 : registers & 15;
    if (opcode === loadWide) at += instructionBytes;
    else if (opcode === call && source === 0) helperIds.add(reader.u32(at + 4));
    else {
      const instruction = { opcode, source, offset: reader.u16(at + 2), immediate: reader.u32(at + 4) };
      const feature = featureOf(instruction);
      if (feature) features.set(feature.name, feature.kernel);
    }
  }
  return reader.size / instructionBytes;
}

interface Instruction {
  opcode: number;
  source: number;
  offset: number;
  immediate: number;
}

/** BPF_CALL by its source register: subprograms of the object, functions of the kernel. */
const calls: Readonly<Record<number, Since>> = {
  1: { name: 'subprograms', kernel: '4.16' },
  2: { name: 'kfuncs', kernel: '5.13' },
};
const jump32 = { name: 'jmp32', kernel: '5.1' };
const longJump = { name: 'long jumps', kernel: '6.6' };
const atomics = { name: 'atomics', kernel: '5.12' };
const signedLoads = { name: 'sign-extending loads', kernel: '6.6' };
const signedArithmetic = { name: 'signed arithmetic', kernel: '6.6' };

/** Division, modulo and move with an offset are their signed forms. */
const signedOperations = new Set([3, 9, 11]);

/** By instruction class (the lower three bits of the opcode). An atomic with immediate 0 is the plain add that always existed. */
const classes: Readonly<Record<number, (instruction: Instruction) => Since | undefined>> = {
  1: ({ opcode }) => (opcode >> 5 === 4 ? signedLoads : undefined),
  3: ({ opcode, immediate }) => (opcode >> 5 === 6 && immediate !== 0 ? atomics : undefined),
  4: signedOperation,
  6: ({ opcode }) => (opcode === 0x06 ? longJump : jump32),
  7: signedOperation,
};

function signedOperation({ opcode, offset }: Instruction): Since | undefined {
  return offset !== 0 && signedOperations.has(opcode >> 4) ? signedArithmetic : undefined;
}

const featureOf = (instruction: Instruction): Since | undefined =>
  instruction.opcode === call ? calls[instruction.source] : classes[instruction.opcode & 7]?.(instruction);
