import type { StructField, ValueType } from '@l3af/contracts';
import type { Btf, BtfMember, BtfType } from './btf';

/** Types nest at most this deep, and expand to at most this many: BTF is input, and can be built to explode. */
const depthMax = 32;
const expandedMax = 50_000;
const sizeBytesMax = 2 ** 31;

/** Turns BTF types into the types that configuration is written in. */
export class ValueTypes {
  #expanded = 0;

  constructor(readonly btf: Btf) {}

  /** The value type of a BTF type id. Pointers become unsigned integers; functions and void cannot be values. */
  of(id: number, depth = 0): ValueType {
    if (depth > depthMax) throw this.btf.fail(`has types nested deeper than ${depthMax}`);
    if (++this.#expanded > expandedMax) throw this.btf.fail(`has types of more than ${expandedMax} parts`);
    const { type, typedefName } = this.btf.resolve(id);
    switch (type.kind) {
      case 'int':
        return this.#integer(type, typedefName);
      case 'float':
        return this.#floating(type.bytes);
      case 'pointer':
        return { kind: 'int', bytes: 8, signed: false, name: 'pointer' };
      case 'enum':
        return this.#enumeration(type, typedefName);
      case 'struct':
      case 'union':
        return this.#composite(type, { typedefName, depth });
      case 'array':
        return this.#array(type, depth);
      default:
        throw this.btf.fail(`has type ${id} (${type.kind} ${type.name}) where a value is needed`);
    }
  }

  #floating(bytes: number): ValueType {
    const kind = bytes === 4 || bytes === 8 ? 'float' : 'bytes';
    return { kind, bytes: this.#size(bytes) };
  }

  #size(bytes: number): number {
    if (bytes > sizeBytesMax) throw this.btf.fail(`has a type of ${bytes} bytes`);
    return bytes;
  }

  #integer(type: Extract<BtfType, { kind: 'int' }>, typedefName: string | undefined): ValueType {
    if (![1, 2, 4, 8].includes(type.bytes)) return { kind: 'bytes', bytes: this.#size(type.bytes) };
    if (type.bool) return { kind: 'bool', bytes: type.bytes };
    return { kind: 'int', bytes: type.bytes, signed: type.signed, name: typedefName ?? type.name };
  }

  #enumeration(type: Extract<BtfType, { kind: 'enum' }>, typedefName: string | undefined): ValueType {
    if (![1, 2, 4, 8].includes(type.bytes)) throw this.btf.fail(`has an enum of ${type.bytes} bytes`);
    const values = type.values.filter(([, value]) => Number.isSafeInteger(Number(value)));
    const name = type.name || typedefName;
    return {
      kind: 'enum',
      bytes: type.bytes,
      ...(name !== undefined && { name }),
      values: Object.fromEntries(values.map(([key, value]) => [key, Number(value)])),
    };
  }

  #array(type: Extract<BtfType, { kind: 'array' }>, depth: number): ValueType {
    const element = this.btf.resolve(type.element);
    const isText =
      element.type.kind === 'int' && element.type.name === 'char' && element.typedefName === undefined;
    if (isText) return { kind: 'string', bytes: this.#size(type.length) };
    const value = this.of(type.element, depth + 1);
    return {
      kind: 'array',
      bytes: this.#size(type.length * value.bytes),
      length: type.length,
      element: value,
    };
  }

  #composite(
    type: Extract<BtfType, { kind: 'struct' | 'union' }>,
    { typedefName, depth }: { typedefName: string | undefined; depth: number },
  ): ValueType {
    const fields = type.members.flatMap((member) => this.#member(member, depth));
    const outside = fields.find((field) => field.offset + fieldBytes(field) > type.bytes);
    if (outside) throw this.btf.fail(`has field ${outside.name} outside of struct ${type.name}`);
    const name = type.name || typedefName;
    return { kind: type.kind, bytes: this.#size(type.bytes), ...(name !== undefined && { name }), fields };
  }

  /** Members of an anonymous struct or union are members of what holds it, as in C. */
  #member(member: BtfMember, depth: number): StructField[] {
    const type = this.of(member.type, depth + 1);
    const offset = Math.floor(member.bitOffset / 8);
    if (member.name === '' && (type.kind === 'struct' || type.kind === 'union')) {
      this.#expanded += type.fields.length;
      return type.fields.map((field) => ({ ...field, offset: field.offset + offset }));
    }
    if (member.name === '') return [];
    if (member.bits === 0) return [{ name: member.name, offset, type }];
    if (member.bits > 64) throw this.btf.fail(`has a bit field of ${member.bits} bits`);
    return [{ name: member.name, offset, type, bits: { offset: member.bitOffset % 8, size: member.bits } }];
  }
}

/** Bytes that a field takes up from its offset on. */
export function fieldBytes(field: StructField): number {
  return field.bits ? Math.ceil((field.bits.offset + field.bits.size) / 8) : field.type.bytes;
}
