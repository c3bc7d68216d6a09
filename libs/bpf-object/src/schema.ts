import type { ConstantSchema, ObjectSchema } from '@l3af/contracts';
import { Btf } from './btf';
import { type ElfObject, readElf, sectionNamed } from './elf';
import { readMaps } from './maps';
import { readPrograms } from './programs';
import { ValueTypes } from './value-type';

/**
 * What can be said of a compiled object without a kernel: programs with the types their sections say, maps with the
 * types of keys and values, constants, licence. Throws `invalid-object`, with section and byte, for whatever is not a
 * whole BPF object; it never throws anything else, and its work is bounded by the object's size.
 */
export function deriveSchema(bytes: Uint8Array): ObjectSchema {
  return schemaOf(readElf(bytes));
}

export function schemaOf(elf: ElfObject): ObjectSchema {
  const types = readTypes(elf);
  const license = readLicense(elf);
  return {
    programs: readPrograms(elf),
    maps: readMaps(elf, types),
    constants: types ? readConstants(elf, types) : [],
    ...(license !== undefined && { license }),
  };
}

export function readTypes(elf: ElfObject): ValueTypes | undefined {
  const section = sectionNamed(elf, '.BTF');
  return section && new ValueTypes(new Btf(section.content, elf.littleEndian));
}

function readLicense(elf: ElfObject): string | undefined {
  const section = sectionNamed(elf, 'license');
  if (!section) return undefined;
  const end = section.content.indexOf(0);
  return new TextDecoder().decode(end < 0 ? section.content : section.content.subarray(0, end));
}

/** Only `const volatile` globals: the compiler has folded the others into the code. */
function readConstants(elf: ElfObject, types: ValueTypes): ConstantSchema[] {
  const sections = elf.sections.filter(({ name }) => name === '.rodata' || name.startsWith('.rodata.'));
  return sections.flatMap((section) => {
    const symbols = new Map(
      elf.symbols.filter((symbol) => symbol.section === section.index).map((symbol) => [symbol.name, symbol]),
    );
    return types.btf
      .variablesOf(section.name)
      .filter(({ type }) => isVolatile(types, type))
      .flatMap(({ name, type }) => {
        const symbol = symbols.get(name);
        const value = types.of(type);
        if (!symbol) return [];
        if (symbol.offset + value.bytes > section.content.byteLength) {
          throw types.btf.fail(`has constant ${name} outside of ${section.name}`);
        }
        return [{ name, section: section.name, offset: symbol.offset, type: value }];
      });
  });
}

/** The qualifiers of an array are those of its elements. */
function isVolatile(types: ValueTypes, id: number): boolean {
  let current = id;
  for (let depth = 0; depth < 32; depth++) {
    const { type, volatile } = types.btf.resolve(current);
    if (volatile) return true;
    if (type.kind !== 'array') return false;
    current = type.element;
  }
  return false;
}
