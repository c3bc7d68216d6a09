import type { ConfigValue, StructField, ValueType } from '@l3af/contracts';
import { fieldBytes } from '../value-type';
import { printAddress, printMac } from './address';
import { type Codec, type CodecOptions, codecOf } from './codec-options';
import { enumName } from './enumeration';
import { printInteger, readInteger } from './integer';
import { isNetworkOrder, meaningOf, protocolNameOf } from './meaning';

/** Reads a value as people write it: addresses, protocols and enums by name, integers beyond 2^53 as text. */
export function decodeValue(type: ValueType, bytes: Uint8Array, options: CodecOptions = {}): ConfigValue {
  return decode(type, bytes.subarray(0, type.bytes), codecOf(options));
}

function decode(type: ValueType, bytes: Uint8Array, codec: Codec): ConfigValue {
  const meant = decodeMeaning(type, bytes, codec);
  if (meant !== undefined) return meant;
  switch (type.kind) {
    case 'int':
      return printInteger(
        readInteger(bytes, { signed: type.signed, bigEndian: codec.bigEndian || isNetworkOrder(type) }),
      );
    case 'bool':
      return bytes.some((byte) => byte !== 0);
    case 'float':
      return decodeFloat(bytes, codec);
    case 'enum':
      return decodeEnum(type, bytes, codec);
    case 'string':
      return decodeText(bytes);
    case 'bytes':
      return hex(bytes);
    case 'array':
      return decodeArray(type, bytes, codec);
    case 'struct':
    case 'union':
      return Object.fromEntries(type.fields.map((field) => [field.name, decodeField(field, bytes, codec)]));
  }
}

function decodeMeaning(type: ValueType, bytes: Uint8Array, codec: Codec): string | undefined {
  switch (meaningOf(type, codec.hint)) {
    case 'ipv4':
    case 'ipv6':
      return printAddress(bytes);
    case 'mac':
      return printMac(bytes);
    case 'protocol':
      return protocolNameOf(Number(readInteger(bytes, { signed: false, bigEndian: codec.bigEndian })));
    case 'none':
      return undefined;
  }
}

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

function decodeFloat(bytes: Uint8Array, codec: Codec): number | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const value =
    bytes.length === 4 ? view.getFloat32(0, !codec.bigEndian) : view.getFloat64(0, !codec.bigEndian);
  return Number.isFinite(value) ? value : String(value);
}

function decodeEnum(
  type: Extract<ValueType, { kind: 'enum' }>,
  bytes: Uint8Array,
  codec: Codec,
): ConfigValue {
  const signed = Object.values(type.values).some((value) => value < 0);
  const number = readInteger(bytes, { signed, bigEndian: codec.bigEndian });
  return enumName(type, number) ?? printInteger(number);
}

/** Text up to its NUL; bytes that are no clean text are shown as numbers, so that nothing is lost. */
function decodeText(bytes: Uint8Array): ConfigValue {
  const end = bytes.indexOf(0);
  const isClean = end >= 0 && bytes.subarray(end).every((byte) => byte === 0);
  if (isClean) {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end));
    } catch {
      return [...bytes]; // not UTF-8
    }
  }
  return [...bytes];
}

const bytesShownAsNumbers = 16;

function decodeArray(
  type: Extract<ValueType, { kind: 'array' }>,
  bytes: Uint8Array,
  codec: Codec,
): ConfigValue {
  const { element } = type;
  if (element.kind === 'int' && element.bytes === 1 && type.length > bytesShownAsNumbers) return hex(bytes);
  return Array.from({ length: type.length }, (_, index) =>
    decode(element, bytes.subarray(index * element.bytes, (index + 1) * element.bytes), codec),
  );
}

function decodeField(field: StructField, bytes: Uint8Array, codec: Codec): ConfigValue {
  const own = bytes.subarray(field.offset, field.offset + fieldBytes(field));
  if (!field.bits) return decode(field.type, own, { ...codec, hint: field.name });
  const { offset, size } = field.bits;
  const shift = BigInt(codec.bigEndian ? own.length * 8 - offset - size : offset);
  const raw =
    (readInteger(own, { signed: false, bigEndian: codec.bigEndian }) >> shift) & ((1n << BigInt(size)) - 1n);
  const { type } = field;
  if (type.kind === 'bool') return raw !== 0n;
  if (type.kind === 'enum') return enumName(type, raw) ?? printInteger(raw);
  return printInteger(type.kind === 'int' && type.signed ? BigInt.asIntN(size, raw) : raw);
}
