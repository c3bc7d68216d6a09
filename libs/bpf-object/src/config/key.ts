import type { ConfigValue, MapSchema, StructField, ValueType } from '@l3af/contracts';
import { parsePrefix, printPrefix } from './address';
import { type CodecOptions } from './codec-options';
import { decodeValue } from './decode';
import { encodeValue } from './encode';
import { parseInteger, readInteger, writeInteger } from './integer';
import { keyHint, meaningOf } from './meaning';
import { refuse, shown } from './refuse';

/**
 * Writes a key of a map. LPM tries take prefixes (`203.0.113.0/24`, `2001:db8::/32`; in 16 bytes IPv4 is IPv4-mapped);
 * struct keys take an object, its JSON, `field=value,field=value`, the value alone when there is one field, or
 * `tcp/80` for a protocol and a port.
 */
export function encodeKey(map: MapSchema, key: ConfigValue, options: CodecOptions = {}): Uint8Array {
  const path = options.path ?? 'config';
  const codec = { ...options, path, hint: options.hint ?? keyHint(map.name) };
  const type = keyType(map);
  if (map.type === 'lpm_trie') return encodePrefix(map, key, codec);
  if (type.kind === 'struct' && meaningOf(type, '') === 'none') return encodeStructKey(type, key, codec);
  return encodeValue(type, key, codec);
}

/** Reads a key as {@link encodeKey} takes it; structs that have no natural text are objects. */
export function decodeKey(map: MapSchema, bytes: Uint8Array, options: CodecOptions = {}): ConfigValue {
  const codec = { ...options, hint: options.hint ?? keyHint(map.name) };
  const type = keyType(map);
  if (map.type === 'lpm_trie') return decodePrefix(map, bytes, codec);
  if (type.kind === 'struct' && meaningOf(type, '') === 'none') return decodeStructKey(type, bytes, codec);
  return decodeValue(type, bytes, codec);
}

/** A key as one line of text, for tables and object keys; {@link encodeKey} reads it back. */
export function keyText(key: ConfigValue): string {
  if (key === null || typeof key !== 'object') return String(key);
  const values = Object.values(key);
  const isFlat = !Array.isArray(key) && values.every((value) => /^[^,={}[\]" ]+$/.test(String(value)));
  if (!isFlat || values.some((value) => typeof value === 'object')) return JSON.stringify(key);
  return Object.entries(key)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(',');
}

/** Without BTF a key of a number's size is a number. */
export function plainType(bytes: number): ValueType {
  return [1, 2, 4, 8].includes(bytes) ? { kind: 'int', bytes, signed: false } : { kind: 'bytes', bytes };
}

const keyType = (map: MapSchema): ValueType => map.key ?? plainType(map.keyBytes);

const lengthBytes = 4;

/** The bytes behind an LPM key's prefix length. */
function prefixData(map: MapSchema): { size: number; address: 4 | 16 | undefined } {
  const size = Math.max(0, map.keyBytes - lengthBytes);
  return { size, address: size === 4 || size === 16 ? size : undefined };
}

function encodePrefix(map: MapSchema, key: ConfigValue, codec: CodecOptions & { path: string }): Uint8Array {
  if (key !== null && typeof key === 'object') return encodeValue(keyType(map), key, codec);
  const { size, address } = prefixData(map);
  const target = new Uint8Array(map.keyBytes);
  const parsed =
    typeof key !== 'string' ? undefined : address ? parsePrefix(key, address) : parseHexPrefix(key, size);
  if (!parsed) {
    const what =
      address === 4
        ? 'an IPv4 prefix such as 203.0.113.0/24'
        : 'a prefix such as 203.0.113.0/24 or 2001:db8::/32';
    throw refuse(
      codec.path,
      `is no prefix, needs ${address ? what : `${size} bytes in hex and a length, such as 0a00/8`}`,
    );
  }
  writeInteger(target.subarray(0, lengthBytes), BigInt(parsed.bits), codec.bigEndian ?? false);
  target.set(parsed.address, lengthBytes);
  return target;
}

function parseHexPrefix(text: string, size: number): { bits: number; address: Uint8Array } | undefined {
  const match = /^(?:0x)?((?:[0-9a-f]{2})*)\/(\d{1,4})$/i.exec(text);
  const bits = Number(match?.[2]);
  if (!match || match[1]?.length !== size * 2 || bits > size * 8) return undefined;
  return { bits, address: Uint8Array.from(Buffer.from(match[1], 'hex')) };
}

function decodePrefix(map: MapSchema, bytes: Uint8Array, codec: CodecOptions): ConfigValue {
  const length = bytes.subarray(0, lengthBytes);
  const bits = Number(readInteger(length, { signed: false, bigEndian: codec.bigEndian ?? false }));
  const data = bytes.subarray(lengthBytes, map.keyBytes);
  if (prefixData(map).address) return printPrefix({ bits, address: data });
  return `0x${Buffer.from(data).toString('hex')}/${bits}`;
}

type Struct = Extract<ValueType, { kind: 'struct' | 'union' }>;

/** Fields that only fill the struct up are no part of a key as people see it. */
const isPadding = ({ name }: StructField): boolean => /^(_|pad|reserved|unused)/i.test(name);
const visible = (type: Struct): StructField[] => type.fields.filter((field) => !isPadding(field));

/** The two fields of a `tcp/80` key. */
function protocolAndPort(type: Struct): { protocol: StructField; port: StructField } | undefined {
  const fields = visible(type);
  const protocol = fields.find((field) => meaningOf(field.type, field.name) === 'protocol');
  const port = fields.find(({ name, type: { bytes } }) => /(^|_)[sd]?port$/i.test(name) && bytes <= 4);
  return fields.length === 2 && protocol && port ? { protocol, port } : undefined;
}

type KeyCodec = CodecOptions & { path: string };

function encodeStructKey(type: Struct, key: ConfigValue, codec: KeyCodec): Uint8Array {
  if (key !== null && typeof key === 'object' && !Array.isArray(key)) return encodeValue(type, key, codec);
  const fields = typeof key === 'string' ? fieldsOfText(type, key, codec.path) : undefined;
  if (fields !== undefined) return encodeValue(type, fields, codec);
  const [only, ...others] = visible(type);
  if (only && others.length === 0) return encodeOnlyField(type, only, { key, codec });
  const names = visible(type).map(({ name }) => `${name}=…`);
  const form = protocolAndPort(type) ? 'tcp/80' : names.join(',');
  throw refuse(codec.path, `${shown(key)} is no key of this map, needs ${form}`);
}

/** The fields that a key's text gives, in any of its forms; undefined when it is none of them. */
function fieldsOfText(type: Struct, text: string, path: string): ConfigValue | undefined {
  const parsed = parseStructText(text, path);
  if (parsed !== undefined) return parsed;
  const pair = protocolAndPort(type);
  const [protocol = '', port] = text.split('/');
  return pair && port !== undefined ? { [pair.protocol.name]: protocol, [pair.port.name]: port } : undefined;
}

function encodeOnlyField(
  type: Struct,
  only: StructField,
  { key, codec }: { key: ConfigValue; codec: KeyCodec },
): Uint8Array {
  if (only.bits) return encodeValue(type, { [only.name]: key }, codec);
  const hint = meaningOf(only.type, only.name) === 'none' ? (codec.hint ?? '') : only.name;
  const target = new Uint8Array(type.bytes);
  target.set(encodeValue(only.type, key, { ...codec, hint }), only.offset);
  return target;
}

/** `{"a": 1}` or `a=1,b=2`; undefined when it is neither. */
function parseStructText(text: string, path: string): ConfigValue | undefined {
  if (text.startsWith('{')) {
    try {
      return JSON.parse(text) as ConfigValue;
    } catch (error) {
      throw refuse(path, `its key is no JSON (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  if (!text.includes('=')) return undefined;
  const pairs = text.split(',').map((pair) => pair.split('='));
  if (!pairs.every((pair) => pair.length === 2))
    throw refuse(path, 'its key is not written field=value,field=value');
  return Object.fromEntries(
    pairs.map(([name = '', value = '']): [string, ConfigValue] => {
      const isTruth = value.trim() === 'true' || value.trim() === 'false';
      const number = parseInteger(value.trim());
      return [name.trim(), number === undefined || isTruth ? value.trim() : number.toString()];
    }),
  );
}

function decodeStructKey(type: Struct, bytes: Uint8Array, codec: CodecOptions): ConfigValue {
  const value = decodeValue(type, bytes, codec) as { [key: string]: ConfigValue };
  const pair = protocolAndPort(type);
  if (pair) return `${String(value[pair.protocol.name])}/${String(value[pair.port.name])}`;
  const [only, ...others] = visible(type);
  if (!only || others.length > 0)
    return Object.fromEntries(visible(type).map(({ name }) => [name, value[name] ?? null]));
  if (only.bits || meaningOf(only.type, only.name) !== 'none') return value[only.name] ?? null;
  return decodeValue(only.type, bytes.subarray(only.offset), codec);
}
