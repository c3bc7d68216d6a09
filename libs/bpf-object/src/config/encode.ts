import type { ConfigValue, StructField, ValueType } from '@l3af/contracts';
import { fieldBytes } from '../value-type';
import { parseAddress, parseMac } from './address';
import { type Codec, type CodecOptions, below, codecOf } from './codec-options';
import { enumNumber } from './enumeration';
import { integerWithin, readInteger, writeInteger } from './integer';
import { type Meaning, isNetworkOrder, meaningOf, protocolNumber } from './meaning';
import { refuse, shown } from './refuse';
import { didYouMean } from './suggest';

/** Writes a value as its C type holds it; `invalid-config` names the path of what does not fit. */
export function encodeValue(type: ValueType, value: ConfigValue, options: CodecOptions = {}): Uint8Array {
  return encode(type, value, codecOf(options));
}

function encode(type: ValueType, value: ConfigValue, codec: Codec): Uint8Array {
  const meant =
    typeof value === 'string'
      ? encodeMeaning(meaningOf(type, codec.hint), value, { type, codec })
      : undefined;
  if (meant) return meant;
  switch (type.kind) {
    case 'int':
      return encodeInteger(type, value, codec);
    case 'bool':
      return encodeBoolean(type, value, codec);
    case 'float':
      return encodeFloat(type, value, codec);
    case 'enum':
      return integerBytes(type.bytes, enumNumber(type, value, codec.path), codec.bigEndian);
    case 'string':
      return encodeText(type.bytes, value, codec);
    case 'bytes':
      return encodeBytes(type.bytes, value, codec);
    case 'array':
      return encodeArray(type, value, codec);
    case 'struct':
    case 'union':
      return encodeStruct(type, value, codec);
  }
}

const needs: Record<Meaning, string> = {
  ipv4: 'an IPv4 address such as 192.0.2.1',
  ipv6: 'an IPv6 or IPv4 address such as 2001:db8::1',
  mac: 'a MAC address such as 02:00:5e:10:00:01',
  protocol: 'a protocol such as tcp, udp or icmp, or its number',
  none: '',
};

/** Text for values that mean something: an address, a protocol. Undefined: read it as the plain type. */
function encodeMeaning(
  meaning: Meaning,
  text: string,
  { type, codec }: { type: ValueType; codec: Codec },
): Uint8Array | undefined {
  if (/^[+-]?(\d+|0x[0-9a-f]+)$/i.test(text)) return undefined;
  if (meaning === 'none') return unnamedAddress(type, text);
  const parsed = parseMeaning(meaning, text, { type, codec });
  if (!parsed) throw refuse(codec.path, `${shown(text)} is not understood, needs ${needs[meaning]}`);
  return parsed;
}

/** Text that can only be an address is taken as one wherever one fits, whatever the field is called. */
function unnamedAddress(type: ValueType, text: string): Uint8Array | undefined {
  const isWord = type.kind === 'int' && type.bytes === 4 && !type.signed;
  const isRow = type.kind === 'array' && type.element.kind === 'int';
  if (isWord || (isRow && type.bytes === 4)) return parseAddress(text, 4);
  return isRow && type.bytes === 16 ? parseAddress(text, 16) : undefined;
}

function parseMeaning(
  meaning: Meaning,
  text: string,
  { type, codec }: { type: ValueType; codec: Codec },
): Uint8Array | undefined {
  if (meaning === 'ipv4') return parseAddress(text, 4);
  if (meaning === 'ipv6') return parseAddress(text, 16);
  if (meaning === 'mac') return parseMac(text);
  const number = protocolNumber(text);
  return number === undefined ? undefined : integerBytes(type.bytes, BigInt(number), codec.bigEndian);
}

function integerBytes(bytes: number, value: bigint, bigEndian: boolean): Uint8Array {
  const target = new Uint8Array(bytes);
  writeInteger(target, value, bigEndian);
  return target;
}

function encodeInteger(
  type: Extract<ValueType, { kind: 'int' }>,
  value: ConfigValue,
  codec: Codec,
): Uint8Array {
  const integer = integerWithin(value, { bits: type.bytes * 8, signed: type.signed }, codec.path);
  return integerBytes(type.bytes, integer, codec.bigEndian || isNetworkOrder(type));
}

const truths = new Map<ConfigValue, bigint>([
  [true, 1n],
  [false, 0n],
  ['true', 1n],
  ['false', 0n],
  [1, 1n],
  [0, 0n],
]);

function encodeBoolean(type: ValueType, value: ConfigValue, codec: Codec): Uint8Array {
  const truth = truths.get(value);
  if (truth === undefined) throw refuse(codec.path, `${shown(value)} is no truth value, needs true or false`);
  return integerBytes(type.bytes, truth, codec.bigEndian);
}

function encodeFloat(type: ValueType, value: ConfigValue, codec: Codec): Uint8Array {
  if (typeof value !== 'number') throw refuse(codec.path, `${shown(value)} is no number`);
  const target = new Uint8Array(type.bytes);
  const view = new DataView(target.buffer);
  if (type.bytes === 4) view.setFloat32(0, value, !codec.bigEndian);
  else view.setFloat64(0, value, !codec.bigEndian);
  return target;
}

/** Text ends with a NUL inside its array, so it may have one byte less. */
function encodeText(bytes: number, value: ConfigValue, codec: Codec): Uint8Array {
  if (Array.isArray(value)) return encodeBytes(bytes, value, codec);
  if (typeof value !== 'string') throw refuse(codec.path, `${shown(value)} is no text`);
  const text = new TextEncoder().encode(value);
  if (text.includes(0)) throw refuse(codec.path, 'has a NUL inside its text');
  if (text.length >= bytes) {
    throw refuse(codec.path, `has ${text.length} bytes of text, needs at most ${Math.max(0, bytes - 1)}`);
  }
  const target = new Uint8Array(bytes);
  target.set(text);
  return target;
}

/** Bytes without a type: hex text of exactly their size, or an array of numbers. */
function encodeBytes(bytes: number, value: ConfigValue, codec: Codec): Uint8Array {
  if (Array.isArray(value)) {
    if (value.length > bytes) throw refuse(codec.path, `has ${value.length} bytes, needs at most ${bytes}`);
    const target = new Uint8Array(bytes);
    value.forEach((byte, index) => {
      target[index] = Number(integerWithin(byte, { bits: 8, signed: false }, below(codec.path, index)));
    });
    return target;
  }
  const hex = typeof value === 'string' ? value.replace(/^0x/i, '') : undefined;
  if (hex === undefined || !/^([0-9a-f]{2})*$/i.test(hex) || hex.length !== bytes * 2) {
    throw refuse(
      codec.path,
      `${shown(value)} is not understood, needs ${bytes} bytes in hex or an array of numbers`,
    );
  }
  return Uint8Array.from({ length: bytes }, (_, index) => parseInt(hex.slice(index * 2, index * 2 + 2), 16));
}

function encodeArray(
  type: Extract<ValueType, { kind: 'array' }>,
  value: ConfigValue,
  codec: Codec,
): Uint8Array {
  const isByteArray = type.element.kind === 'int' && type.element.bytes === 1;
  if (isByteArray && typeof value === 'string') return encodeBytes(type.bytes, value, codec);
  if (!Array.isArray(value)) throw refuse(codec.path, `${shown(value)} is no array`);
  if (value.length > type.length) {
    throw refuse(codec.path, `has ${value.length} elements, needs at most ${type.length}`);
  }
  const target = new Uint8Array(type.bytes);
  value.forEach((element, index) => {
    const bytes = encode(type.element, element, { ...codec, path: below(codec.path, index) });
    target.set(bytes, index * type.element.bytes);
  });
  return target;
}

function encodeStruct(
  type: Extract<ValueType, { kind: 'struct' | 'union' }>,
  value: ConfigValue,
  codec: Codec,
): Uint8Array {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw refuse(
      codec.path,
      `${shown(value)} is no object, needs ${type.fields.map(({ name }) => name).join(', ')}`,
    );
  }
  const target = new Uint8Array(type.bytes);
  const written = new Uint8Array(type.bytes);
  for (const [name, member] of Object.entries(value)) {
    const field = type.fields.find((candidate) => candidate.name === name);
    const path = below(codec.path, name);
    if (!field) {
      const known = type.fields.map((candidate) => candidate.name);
      throw refuse(path, `there is no such field, ${didYouMean(name, known)}`, { known });
    }
    const bytes = encodeField(field, member, { ...codec, path, hint: name });
    merge({ target, written, field, codec: { ...codec, path } }, bytes);
  }
  return target;
}

interface FieldBytes {
  bytes: Uint8Array;
  /** Which bits of the bytes the field owns. */
  mask: Uint8Array;
}

function encodeField(field: StructField, value: ConfigValue, codec: Codec): FieldBytes {
  if (!field.bits) {
    const bytes = encode(field.type, value, codec);
    return { bytes, mask: new Uint8Array(bytes.length).fill(255) };
  }
  const { type, bits } = field;
  const signed = type.kind === 'int' && type.signed;
  const integer =
    type.kind === 'enum' || type.kind === 'bool'
      ? readInteger(encode(type, value, codec), { signed: false, bigEndian: codec.bigEndian })
      : integerWithin(value, { bits: bits.size, signed }, codec.path);
  const length = fieldBytes(field);
  // Bits count from the least significant on little-endian targets, from the most significant on big-endian ones.
  const shift = BigInt(codec.bigEndian ? length * 8 - bits.offset - bits.size : bits.offset);
  return {
    bytes: integerBytes(length, BigInt.asUintN(bits.size, integer) << shift, codec.bigEndian),
    mask: integerBytes(length, ((1n << BigInt(bits.size)) - 1n) << shift, codec.bigEndian),
  };
}

/** Members of a union share bytes: two of them may be given only when they agree. */
function merge(
  place: { target: Uint8Array; written: Uint8Array; field: StructField; codec: Codec },
  { bytes, mask }: FieldBytes,
): void {
  const { target, written, field, codec } = place;
  bytes.forEach((byte, index) => {
    const at = field.offset + index;
    const owned = mask[index] ?? 0;
    const old = target[at] ?? 0;
    if (((old ^ byte) & owned & (written[at] ?? 0)) !== 0) {
      throw refuse(codec.path, 'shares its bytes with another field that was given a different value');
    }
    target[at] = (old & ~owned) | (byte & owned);
    written[at] = (written[at] ?? 0) | owned;
  });
}
