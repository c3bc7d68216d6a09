import { SliceReader } from './reader';

export interface BtfMember {
  name: string;
  type: number;
  bitOffset: number;
  /** 0: not a bit field. */
  bits: number;
}

export interface BtfVariable {
  type: number;
  offset: number;
  sizeBytes: number;
}

/** One type of an object's BTF, as the kernel documents it (Documentation/bpf/btf.rst). */
export type BtfType =
  | { kind: 'void' | 'other'; name: string }
  | { kind: 'int'; name: string; bytes: number; signed: boolean; bool: boolean }
  | { kind: 'float'; name: string; bytes: number }
  | { kind: 'pointer' | 'modifier'; name: string; type: number; volatile: boolean }
  | { kind: 'typedef' | 'function'; name: string; type: number }
  | { kind: 'variable'; name: string; type: number }
  | { kind: 'array'; name: string; element: number; length: number }
  | { kind: 'struct' | 'union'; name: string; bytes: number; members: BtfMember[] }
  | { kind: 'enum'; name: string; bytes: number; values: [string, bigint][] }
  | { kind: 'section'; name: string; variables: BtfVariable[] };

const names = { int: 1, pointer: 2, array: 3, struct: 4, union: 5, enum: 6, forward: 7, typedef: 8 } as const;
const more = { volatile: 9, const: 10, restrict: 11, function: 12, prototype: 13, variable: 14 } as const;
const last = { section: 15, float: 16, declTag: 17, typeTag: 18, enum64: 19 } as const;
const kinds = { ...names, ...more, ...last };

/** Bytes that follow the 12 of each type: a fixed part, and one per member. */
const trailing: Record<number, [fixed: number, each: number]> = {
  [kinds.int]: [4, 0],
  [kinds.array]: [12, 0],
  [kinds.struct]: [0, 12],
  [kinds.union]: [0, 12],
  [kinds.enum]: [0, 8],
  [kinds.prototype]: [0, 8],
  [kinds.variable]: [4, 0],
  [kinds.section]: [0, 12],
  [kinds.declTag]: [4, 0],
  [kinds.enum64]: [0, 12],
};

/** The types of a `.BTF` section; index 0 is void. */
export class Btf {
  readonly types: BtfType[] = [{ kind: 'void', name: 'void' }];
  readonly #reader: SliceReader;
  readonly #strings: SliceReader;

  constructor(section: Uint8Array, littleEndian: boolean) {
    const reader = new SliceReader(section, { section: '.BTF', littleEndian });
    if (reader.u16(0) !== 0xeb9f) throw reader.fail(0, 'has no BTF magic');
    if (reader.u8(2) !== 1) throw reader.fail(2, `has BTF version ${reader.u8(2)}, needs 1`);
    const headerBytes = reader.u32(4);
    const typesAt = headerBytes + reader.u32(8);
    const stringsAt = headerBytes + reader.u32(16);
    const options = { section: '.BTF', littleEndian };
    this.#strings = new SliceReader(reader.slice(stringsAt, reader.u32(20)), options);
    this.#reader = new SliceReader(reader.slice(typesAt, reader.u32(12)), options);
    let at = 0;
    while (at < this.#reader.size) at = this.#readType(at);
  }

  #text(offset: number): string {
    return offset === 0 ? '' : this.#strings.text(offset);
  }

  #readType(at: number): number {
    const reader = this.#reader;
    const info = reader.u32(at + 4);
    const kind = (info >>> 24) & 31;
    if (kind === 0 || kind > kinds.enum64) throw reader.fail(at, `has a type of the unknown kind ${kind}`);
    const count = info & 0xffff;
    const [fixed, each] = trailing[kind] ?? [0, 0];
    const next = at + 12 + fixed + each * count;
    if (next > reader.size) throw reader.fail(at, `ends at byte ${reader.size}, needs ${next}`);
    this.types.push(this.#parse({ at, kind, count, flag: info >>> 31 === 1 }));
    return next;
  }

  #parse({ at, kind, count, flag }: { at: number; kind: number; count: number; flag: boolean }): BtfType {
    const reader = this.#reader;
    const name = this.#text(reader.u32(at));
    const sizeOrType = reader.u32(at + 8);
    switch (kind) {
      case kinds.int: {
        const encoding = (reader.u32(at + 12) >>> 24) & 15;
        return {
          kind: 'int',
          name,
          bytes: sizeOrType,
          signed: (encoding & 1) !== 0,
          bool: (encoding & 4) !== 0,
        };
      }
      case kinds.float:
        return { kind: 'float', name, bytes: sizeOrType };
      case kinds.pointer:
        return { kind: 'pointer', name, type: sizeOrType, volatile: false };
      case kinds.volatile:
      case kinds.const:
      case kinds.restrict:
      case kinds.typeTag:
        return { kind: 'modifier', name, type: sizeOrType, volatile: kind === kinds.volatile };
      case kinds.typedef:
        return { kind: 'typedef', name, type: sizeOrType };
      case kinds.function:
        return { kind: 'function', name, type: sizeOrType };
      case kinds.variable:
        return { kind: 'variable', name, type: sizeOrType };
      case kinds.array:
        return { kind: 'array', name, element: reader.u32(at + 12), length: reader.u32(at + 20) };
      default:
        return this.#parseMembers({ at, kind, count, flag, name, sizeOrType });
    }
  }

  #parseMembers(head: {
    at: number;
    kind: number;
    count: number;
    flag: boolean;
    name: string;
    sizeOrType: number;
  }): BtfType {
    const { kind, count, name, sizeOrType, flag } = head;
    const reader = this.#reader;
    const each = <T>(bytes: number, read: (at: number) => T): T[] =>
      Array.from({ length: count }, (_, index) => read(head.at + 12 + index * bytes));
    switch (kind) {
      case kinds.struct:
      case kinds.union: {
        const members = each(12, (at) => {
          const offset = reader.u32(at + 8);
          const position = flag
            ? { bitOffset: offset & 0xffffff, bits: offset >>> 24 }
            : { bitOffset: offset, bits: 0 };
          return { name: this.#text(reader.u32(at)), type: reader.u32(at + 4), ...position };
        });
        return { kind: kind === kinds.struct ? 'struct' : 'union', name, bytes: sizeOrType, members };
      }
      case kinds.enum: {
        // The kind flag says that the values are signed.
        const value = (at: number): bigint => BigInt(flag ? reader.i32(at + 4) : reader.u32(at + 4));
        return {
          kind: 'enum',
          name,
          bytes: sizeOrType,
          values: each(8, (at) => [this.#text(reader.u32(at)), value(at)]),
        };
      }
      case kinds.enum64: {
        const word = (at: number): bigint => (BigInt(reader.u32(at + 8)) << 32n) | BigInt(reader.u32(at + 4));
        const value = (at: number): bigint => (flag ? BigInt.asIntN(64, word(at)) : word(at));
        return {
          kind: 'enum',
          name,
          bytes: sizeOrType,
          values: each(12, (at) => [this.#text(reader.u32(at)), value(at)]),
        };
      }
      case kinds.section: {
        const variable = (at: number): BtfVariable => ({
          type: reader.u32(at),
          offset: reader.u32(at + 4),
          sizeBytes: reader.u32(at + 8),
        });
        return { kind: 'section', name, variables: each(12, variable) };
      }
      default:
        return { kind: 'other', name };
    }
  }

  fail(state: string): Error {
    return this.#reader.fail(0, state);
  }

  type(id: number): BtfType {
    const type = this.types[id];
    if (!type) throw this.#reader.fail(0, `names type ${id} of ${this.types.length}`);
    return type;
  }

  /** Follows const, volatile, restrict, type tags and typedefs. */
  resolve(id: number): { id: number; type: BtfType; typedefName: string | undefined; volatile: boolean } {
    let typedefName: string | undefined;
    let volatile = false;
    let current = id;
    for (let depth = 0; depth < 64; depth++) {
      const type = this.type(current);
      if (type.kind === 'typedef') typedefName ??= type.name;
      else if (type.kind === 'modifier') volatile ||= type.volatile;
      else return { id: current, type, typedefName, volatile };
      current = type.type;
    }
    throw this.#reader.fail(0, `has a chain of typedefs without an end at type ${id}`);
  }

  /** The variables of a data section (`.maps`, `.rodata`) with their names. */
  variablesOf(section: string): { name: string; type: number }[] {
    return this.types
      .filter(
        (type): type is Extract<BtfType, { kind: 'section' }> =>
          type.kind === 'section' && type.name === section,
      )
      .flatMap((type) => type.variables)
      .map((variable) => {
        const type = this.type(variable.type);
        if (type.kind !== 'variable')
          throw this.fail(`has something that is no variable in section ${section}`);
        return { name: type.name, type: type.type };
      });
  }
}
