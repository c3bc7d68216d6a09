import type { ConfigValue, MapSchema, ValueType } from '@l3af/contracts';
import { type CodecOptions } from './codec-options';
import { decodeValue } from './decode';
import { encodeValue } from './encode';
import { plainType } from './key';

const valueType = (map: MapSchema): ValueType => map.value ?? plainType(map.valueBytes);

/** The name of an array says what its values are; the name of a hash says what its keys are. */
const isArray = (map: MapSchema): boolean => map.type === 'array' || map.type === 'percpu_array';
const valueHint = (map: MapSchema): string => (isArray(map) && map.entriesMax === 1 ? map.name : '');

/** Writes a value of a map; maps without BTF take numbers of 1, 2, 4 or 8 bytes, or hex. For per-CPU maps: the value of one CPU. */
export function encodeMapValue(map: MapSchema, value: ConfigValue, options: CodecOptions = {}): Uint8Array {
  const bytes = encodeValue(valueType(map), value, { hint: valueHint(map), ...options });
  if (bytes.length >= map.valueBytes) return bytes.subarray(0, map.valueBytes);
  const padded = new Uint8Array(map.valueBytes);
  padded.set(bytes);
  return padded;
}

/** Reads a value of a map; of per-CPU maps, the value of one CPU. */
export function decodeMapValue(map: MapSchema, bytes: Uint8Array, options: CodecOptions = {}): ConfigValue {
  return decodeValue(valueType(map), bytes, { hint: valueHint(map), ...options });
}
