import type { ConfigValue, ConstantSchema, MapSchema, ObjectSchema } from '@l3af/contracts';
import { below, type CodecOptions } from './codec-options';
import { encodeValue } from './encode';
import { encodeKey } from './key';
import { encodeMapValue } from './map-value';
import { refuse, shown } from './refuse';
import { didYouMean } from './suggest';

/** A constant's bytes, written into its section before the object is loaded. */
export interface ConstantWrite {
  section: string;
  offset: number;
  bytes: Uint8Array;
}

/** One entry of a map. For per-CPU maps the value of one CPU, which every CPU gets. */
export interface MapWrite {
  map: string;
  key: Uint8Array;
  value: Uint8Array;
}

export interface ConfigPlan {
  constants: ConstantWrite[];
  writes: MapWrite[];
}

type Options = Pick<CodecOptions, 'path' | 'bigEndian'>;

/**
 * What a KF's configuration writes, in the order it was given. Every value is checked against the object's types:
 * `invalid-config` names the path (`config.deny_sources["300.0.0.0/8"]`) of the first that does not fit.
 */
export function planConfig(
  schema: ObjectSchema,
  config: { [name: string]: ConfigValue },
  options: Options = {},
): ConfigPlan {
  const root = options.path ?? 'config';
  const plan: ConfigPlan = { constants: [], writes: [] };
  for (const [name, value] of Object.entries(config)) {
    const codec = { ...options, path: below(root, name) };
    const constant = schema.constants.find((candidate) => candidate.name === name);
    const map = schema.maps.find((candidate) => candidate.name === name);
    if (constant) plan.constants.push(planConstant(constant, value, codec));
    else if (map) plan.writes.push(...planMap(map, value, codec));
    else throw unknownName(schema, name, codec.path);
  }
  return plan;
}

function unknownName(schema: ObjectSchema, name: string, path: string): Error {
  const maps = schema.maps.filter((map) => shapeOf(map) !== undefined);
  const known = [...schema.constants, ...maps].map((candidate) => candidate.name);
  return refuse(path, `the KF has no map or constant of this name, ${didYouMean(name, known)}`, { known });
}

function planConstant(constant: ConstantSchema, value: ConfigValue, codec: Options): ConstantWrite {
  const bytes = encodeValue(constant.type, value, { ...codec, hint: constant.name });
  return { section: constant.section, offset: constant.offset, bytes };
}

/** How a map is written in a configuration; undefined for those that hold no values of a user. */
function shapeOf(map: MapSchema): 'single' | 'indexed' | 'keyed' | undefined {
  switch (map.type) {
    case 'array':
    case 'percpu_array':
      return map.entriesMax === 1 ? 'single' : 'indexed';
    case 'devmap':
    case 'cpumap':
      return 'indexed';
    case 'hash':
    case 'percpu_hash':
    case 'lru_hash':
    case 'lru_percpu_hash':
    case 'lpm_trie':
    case 'devmap_hash':
      return 'keyed';
    default:
      return undefined;
  }
}

type Path = Options & { path: string };

function planMap(map: MapSchema, value: ConfigValue, codec: Path): MapWrite[] {
  const shape = shapeOf(map);
  if (shape === undefined) throw refuse(codec.path, `a map of type ${map.type} takes no configuration`);
  if (shape === 'single' && !isIndexed(map, value)) {
    const key = new Uint8Array(map.keyBytes);
    return [{ map: map.name, key, value: encodeMapValue(map, value, codec) }];
  }
  const entries = entriesOf(value, { shape, path: codec.path });
  if (entries.length > map.entriesMax) {
    throw refuse(codec.path, `has ${entries.length} entries, needs at most ${map.entriesMax}`);
  }
  const seen = new Map<string, string>();
  return entries.map(({ key, value: entry, path }) => {
    const write = {
      map: map.name,
      key: planKey(map, key, { ...codec, path }),
      value: encodeMapValue(map, entry, { ...codec, path }),
    };
    const id = Buffer.from(write.key).toString('hex');
    const twin = seen.get(id);
    if (twin !== undefined) throw refuse(path, `is the same key as ${twin}`);
    seen.set(id, path);
    return write;
  });
}

/** `{"0": value}` for a map of one entry, unless its value is a struct that could be meant. */
function isIndexed(map: MapSchema, value: ConfigValue): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return (
    keys.length === 1 &&
    keys[0] === '0' &&
    !(map.value?.kind === 'struct' && map.value.fields.some(({ name }) => name === '0'))
  );
}

interface Entry {
  key: ConfigValue;
  value: ConfigValue;
  path: string;
}

function entriesOf(value: ConfigValue, { shape, path }: { shape: string; path: string }): Entry[] {
  if (Array.isArray(value)) {
    return value.map((entry, index) =>
      shape === 'keyed'
        ? keyedEntry(entry, below(path, index))
        : { key: index, value: entry, path: below(path, index) },
    );
  }
  if (value === null || typeof value !== 'object') {
    const form = shape === 'keyed' ? 'an object of key: value' : 'an array, or an object of index: value';
    throw refuse(path, `${shown(value)} is no set of entries, needs ${form}`);
  }
  return Object.entries(value).map(([key, entry]) => ({
    key,
    value: entry,
    path: `${path}[${JSON.stringify(key)}]`,
  }));
}

/** `{key: …, value: …}`: for keys that have no natural text. */
function keyedEntry(entry: ConfigValue, path: string): Entry {
  const isEntry =
    entry !== null &&
    typeof entry === 'object' &&
    !Array.isArray(entry) &&
    'key' in entry &&
    'value' in entry;
  if (!isEntry) throw refuse(path, `${shown(entry)} is no entry, needs {key, value}`);
  return { key: entry['key'] ?? null, value: entry['value'] ?? null, path };
}

function planKey(map: MapSchema, key: ConfigValue, codec: Path): Uint8Array {
  const bytes = encodeKey(map, key, codec);
  if (shapeOf(map) === 'keyed') return bytes;
  const index = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, !(codec.bigEndian ?? false));
  if (index >= map.entriesMax) throw refuse(codec.path, `is out of range, needs 0 to ${map.entriesMax - 1}`);
  return bytes;
}
