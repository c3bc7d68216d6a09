import type { ValueType } from '@l3af/contracts';

/** A type as people write it: `u32`, `char[16]`, `struct limit {u64 packets_per_second; u64 burst}`. */
export function typeText(type: ValueType | undefined, bytes?: number): string {
  if (!type) return bytes === undefined || bytes === 0 ? '-' : `${bytes} bytes`;
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
    case 'union': {
      const fields = type.fields.map((field) => `${typeText(field.type)} ${field.name}`);
      return `${named(type.kind, type.name)} {${fields.join('; ')}}`;
    }
    case 'array':
      return `${typeText(type.element)}[${type.length}]`;
    case 'string':
      return `char[${type.bytes}]`;
    case 'bytes':
      return `${type.bytes} bytes`;
  }
}

/** By number, as they stand in most sources; a database may have sorted the names. */
const membersOf = (values: Record<string, number>): string[] =>
  Object.entries(values)
    .sort(([, one], [, other]) => one - other)
    .map(([name]) => name);

const named = (keyword: string, name: string | undefined): string => (name ? `${keyword} ${name}` : keyword);
