import type { ValueType } from '@l3af/contracts';

/** A type as people write it: `u32`, `char[16]`, `struct limit {u64 packets_per_second; u64 burst}`. */
export function typeText(type: ValueType | undefined, bytes?: number): string {
  return type ? typed(type) : untyped(bytes);
}

const untyped = (bytes = 0): string => (bytes === 0 ? '-' : `${bytes} bytes`);

function typed(type: ValueType): string {
  switch (type.kind) {
    case 'int':
      return `${type.signed ? 's' : 'u'}${type.bytes * 8}`;
    case 'bool':
      return 'bool';
    case 'float':
      return `float${type.bytes * 8}`;
    case 'enum':
      return `${named('enum', type.name)} {${membersOf(type.values).join(', ')}}`;
    case 'struct':
    case 'union':
      return structText(type);
    case 'array':
      return `${typed(type.element)}[${type.length}]`;
    case 'string':
      return `char[${type.bytes}]`;
    case 'bytes':
      return `${type.bytes} bytes`;
  }
}

function structText(type: Extract<ValueType, { kind: 'struct' | 'union' }>): string {
  const fields = type.fields.map((field) => `${typed(field.type)} ${field.name}`);
  return `${named(type.kind, type.name)} {${fields.join('; ')}}`;
}

/** By number, as they stand in most sources; a database may have sorted the names. */
const membersOf = (values: Record<string, number>): string[] =>
  Object.entries(values)
    .sort(([, one], [, other]) => one - other)
    .map(([name]) => name);

const named = (keyword: string, name: string | undefined): string => (name ? `${keyword} ${name}` : keyword);
