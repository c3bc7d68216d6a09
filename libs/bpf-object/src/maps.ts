import type { MapSchema, ValueType } from '@l3af/contracts';
import type { Btf, BtfMember } from './btf';
import { type ElfObject, sectionNamed } from './elf';
import { mapTypes } from './kernel-names';
import { SliceReader } from './reader';
import type { ValueTypes } from './value-type';

export const mapTypeName = (number: number): string => mapTypes[number]?.name ?? `unknown_${number}`;

/** The maps of an object: BTF-defined ones (`.maps`), then those of a legacy `maps` section. */
export function readMaps(elf: ElfObject, types: ValueTypes | undefined): MapSchema[] {
  const defined = types
    ? types.btf.variablesOf('.maps').map(({ name, type }) => definedMap(types, { name, type }))
    : [];
  return [...defined, ...legacyMaps(elf, types)];
}

/** `__uint(name, value)` is a pointer to an array of that length: the only number BTF can hold. */
function uintOf(btf: Btf, member: BtfMember, map: string): number {
  const { type } = btf.resolve(member.type);
  if (type.kind === 'enum') return Number(type.values[0]?.[1] ?? 0n);
  const target = type.kind === 'pointer' ? btf.resolve(type.type).type : undefined;
  if (target?.kind !== 'array') throw btf.fail(`has map ${map} whose ${member.name} is no number`);
  return target.length;
}

/** `__type(key, T)` is a pointer to T. */
function typeOf(types: ValueTypes, member: BtfMember, map: string): ValueType {
  const { type } = types.btf.resolve(member.type);
  if (type.kind !== 'pointer')
    throw types.btf.fail(`has map ${map} whose ${member.name} is no pointer to a type`);
  return types.of(type.type);
}

/** Values of map types that hold descriptors or nothing: what BTF says of them is no value of a user. */
const withoutValues = new Set([
  'prog_array',
  'array_of_maps',
  'hash_of_maps',
  'perf_event_array',
  'cgroup_array',
]);
const fileDescriptorBytes = 4;

/** What a map's definition says, field by field. */
interface Definition {
  number(field: string): number | undefined;
  type(field: string): ValueType | undefined;
  values: BtfMember | undefined;
}

function definitionOf(types: ValueTypes, variable: { name: string; type: number }): Definition {
  const { btf } = types;
  const { type: struct } = btf.resolve(variable.type);
  if (struct.kind !== 'struct') throw btf.fail(`has map ${variable.name} that is no struct`);
  const members = new Map(struct.members.map((member) => [member.name, member]));
  return {
    number(field) {
      const member = members.get(field);
      return member && uintOf(btf, member, variable.name);
    },
    type(field) {
      const member = members.get(field);
      return member && typeOf(types, member, variable.name);
    },
    values: members.get('values'),
  };
}

function definedMap(types: ValueTypes, variable: { name: string; type: number }): MapSchema {
  const { name } = variable;
  const definition = definitionOf(types, variable);
  const { values } = definition;
  const number = (field: string): number => definition.number(field) ?? 0;
  const type = mapTypeName(number('type'));
  const key = definition.type('key');
  const value = withoutValues.has(type) ? undefined : definition.type('value');
  const inner = values && innerMap(types, { name, member: values });
  const plainBytes = values || withoutValues.has(type) ? fileDescriptorBytes : 0;
  const bytesOf = (field: string, held: ValueType | undefined): number =>
    definition.number(field) ?? held?.bytes ?? plainBytes;
  return {
    name,
    type,
    keyBytes: bytesOf('key_size', key),
    valueBytes: bytesOf('value_size', value),
    entriesMax: number('max_entries'),
    flags: number('map_flags'),
    ...(key && { key }),
    ...(value && { value }),
    ...(number('pinning') === 1 && { pinning: 'by-name' as const }),
    ...(inner && { inner }),
  };
}

/** `__array(values, struct inner)`: an array of pointers to the inner map's definition (or to functions, for program arrays). */
function innerMap(
  types: ValueTypes,
  { name, member }: { name: string; member: BtfMember },
): MapSchema['inner'] {
  const { type: array } = types.btf.resolve(member.type);
  if (array.kind !== 'array') throw types.btf.fail(`has map ${name} whose values are no array`);
  const { type: pointer } = types.btf.resolve(array.element);
  if (pointer.kind !== 'pointer') throw types.btf.fail(`has map ${name} whose values are no pointers`);
  const target = types.btf.resolve(pointer.type);
  if (target.type.kind !== 'struct') return undefined;
  // An inner definition has no values of its own: the kernel has no maps of maps of maps.
  if (target.type.members.some((inner) => inner.name === 'values')) {
    throw types.btf.fail(`has map ${name} whose inner map holds maps itself`);
  }
  const { type, keyBytes, valueBytes, entriesMax, flags } = definedMap(types, {
    name: `${name} (inner)`,
    type: target.id,
  });
  return { type, keyBytes, valueBytes, entriesMax, flags };
}

/** `struct bpf_map_def SEC("maps")`: five words at least; loaders before BTF added their own behind them. */
function legacyMaps(elf: ElfObject, types: ValueTypes | undefined): MapSchema[] {
  const section = sectionNamed(elf, 'maps');
  if (!section) return [];
  const reader = new SliceReader(section.content, { section: 'maps', littleEndian: elf.littleEndian });
  const symbols = elf.symbols.filter(
    (symbol) => symbol.section === section.index && symbol.kind !== 'section',
  );
  return symbols
    .filter((symbol) => symbol.name !== '')
    .map(({ name, offset }) => {
      const [key, value] = types ? annotatedTypes(types, name) : [];
      return {
        name,
        type: mapTypeName(reader.u32(offset)),
        keyBytes: reader.u32(offset + 4),
        valueBytes: reader.u32(offset + 8),
        entriesMax: reader.u32(offset + 12),
        flags: reader.u32(offset + 16),
        ...(key?.bytes === reader.u32(offset + 4) && { key }),
        ...(value?.bytes === reader.u32(offset + 8) && { value }),
      };
    });
}

/** BPF_ANNOTATE_KV_PAIR leaves a struct `____btf_map_NAME { key; value; }`. */
function annotatedTypes(types: ValueTypes, name: string): [ValueType?, ValueType?] {
  const struct = types.btf.types.find(
    (type) => type.kind === 'struct' && type.name === `____btf_map_${name}`,
  );
  if (struct?.kind !== 'struct') return [];
  const [key, value] = struct.members;
  return key && value ? [types.of(key.type), types.of(value.type)] : [];
}
