import type { ConfigValue, DesiredKf, ObjectSchema } from '@l3af/contracts';
import { planConfig } from '@l3af/bpf-object';

export interface MapWrite {
  map: string;
  key: Uint8Array;
  /** Null deletes the entry (in an array: writes zeroes). */
  value: Uint8Array | null;
}

type Config = Record<string, ConfigValue>;

/** Whether a KF changes only in its switch and its map configuration, which need no new generation. */
export function isAdjustable(from: DesiredKf, to: DesiredKf, schema: ObjectSchema): boolean {
  return (
    from.name === to.name &&
    from.digest === to.digest &&
    from.program === to.program &&
    sameJson(from.proceedOn, to.proceedOn) &&
    schema.constants.every(({ name }) => sameJson(from.config[name], to.config[name]))
  );
}

/**
 * The map writes that turn one configuration into another: entries that only the old one named are deleted,
 * all entries of the new one written. Entries that the KF made itself are not touched.
 */
export function mapWrites(schema: ObjectSchema, from: Config, to: Config): MapWrite[] {
  const wanted = planConfig(schema, to).writes;
  const named = new Set(wanted.map(entryId));
  const gone = planConfig(schema, from).writes.filter((write) => !named.has(entryId(write)));
  return [...gone.map(({ map, key }) => ({ map, key, value: null })), ...wanted];
}

/**
 * The entries that an earlier configuration wrote and a later one does not name: left out when map state is carried
 * into a new generation. What of the earlier one the KF's new version does not know any more is no entry at all.
 */
export function removedEntries(
  schema: ObjectSchema,
  from: Config,
  to: Config,
): { map: string; key: Uint8Array }[] {
  const known = Object.entries(from).filter(([name]) => schema.maps.some((map) => map.name === name));
  return known.flatMap(([name, value]) => {
    const before = plannedKeys(schema, { [name]: value });
    const after = new Set(planConfig(schema, to).writes.map(entryId));
    return before.filter((entry) => !after.has(entryId(entry)));
  });
}

function plannedKeys(schema: ObjectSchema, config: Config): { map: string; key: Uint8Array }[] {
  try {
    return planConfig(schema, config).writes.map(({ map, key }) => ({ map, key }));
  } catch {
    return []; // the map means something else in this version
  }
}

/** Array maps cannot delete: an entry of theirs is zeroed instead, in as many bytes as are returned. */
export function zeroedBytes(schema: ObjectSchema, name: string): number | undefined {
  const map = schema.maps.find((one) => one.name === name);
  return map?.type === 'array' || map?.type === 'percpu_array' ? map.valueBytes : undefined;
}

const entryId = (write: { map: string; key: Uint8Array }): string =>
  `${write.map}/${Buffer.from(write.key).toString('hex')}`;

const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
