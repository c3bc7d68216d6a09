import { readFileSync } from 'node:fs';
import { cannot, L3afError, type MapSchema } from '@l3af/contracts';
import { possibleCpus } from '../bpf/cpus';
import { isKnownType, isPerCpu, mapTypeName, mapTypeNumber } from '../bpf/map-types';

/** The kernel's own bookkeeping of one entry of a hash. */
const entryOverheadBytes = 64;
const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** Types whose size is in bytes, not entries. */
const byteSized = new Set(['ringbuf', 'user_ringbuf']);

export interface MapSize {
  name: string;
  type: number;
  keyBytes: number;
  valueBytes: number;
  entriesMax: number;
}

/** The prototypes of an object's maps in maps. */
export function innerMapsOf(maps: readonly MapSchema[]): MapSize[] {
  return maps.flatMap(({ name, inner }) =>
    inner === undefined || !isKnownType(inner.type)
      ? []
      : [{ name: `${name} (inner)`, ...inner, type: mapTypeNumber(inner.type) }],
  );
}

/** What the kernel would set aside for a map when it is created, roughly and rather too much. Pure. */
export function mapBytes(map: MapSize, cpus: number): number {
  const type = mapTypeName(map.type);
  if (byteSized.has(type)) return map.entriesMax;
  const copies = isPerCpu(type) ? cpus : 1;
  return map.entriesMax * (padded(map.keyBytes) + padded(map.valueBytes) * copies + entryOverheadBytes);
}

/** Memory that may still be had, as the kernel estimates it. */
function availableBytes(): number {
  const line = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}

/** More than this share of the free memory is refused: the kernel would rather kill processes than refuse a map. */
const shareMax = 0.25;

/** Refuses an object whose maps the machine has no room for. */
export function requireMapMemory(kf: string, maps: readonly MapSize[]): void {
  const cpus = possibleCpus();
  const total = maps.reduce((sum, map) => sum + mapBytes(map, cpus), 0);
  const most = availableBytes() * shareMax;
  if (total <= most) return;
  const largest = [...maps].sort((a, b) => mapBytes(b, cpus) - mapBytes(a, cpus))[0];
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  throw new L3afError(
    'kernel-error',
    cannot(
      'load',
      'KF',
      kf,
      `its maps take ${mebibytes(total)}, needs at most ${mebibytes(most)} on this machine`,
    ),
    {
      hint: `Make map ${largest?.name ?? ''} smaller: it has ${largest?.entriesMax ?? 0} entries`,
      details: { kf, map: largest?.name, bytes: total },
    },
  );
}
