import { cannot, L3afError } from '@l3af/contracts';
import { KernelMap } from '../bpf/map';
import { isPlainData } from '../bpf/map-types';
import { openPin } from '../bpf/pin';
import type { FieldMove, KfLoad, MapMigration } from '../types';
import type { Carry } from './reuse';

const keyText = (map: string, key: Uint8Array): string => `${map} ${Buffer.from(key).toString('hex')}`;

/** Copies or migrates the entries of old maps into the new ones. */
export function carryContent(kf: KfLoad, carries: readonly Carry[], open: (map: string) => KernelMap): void {
  const removed = new Set((kf.removes ?? []).map(({ map, key }) => keyText(map, key)));
  for (const carry of carries) {
    const fd = openPin(carry.fromPath);
    if (fd === undefined) continue;
    using old = new KernelMap(fd);
    const target = open(carry.map);
    requirePlain(kf, carry, [old, target]);
    const move = entryMove(carry.migration, old, target);
    for (const entry of old.entries()) {
      if (removed.has(keyText(carry.map, entry.key))) continue;
      const moved = move(entry);
      target.update(moved.key, moved.value);
    }
  }
}

function requirePlain(kf: KfLoad, carry: Carry, maps: readonly KernelMap[]): void {
  const odd = maps.find((map) => !isPlainData(map.info.type));
  const [old, target] = maps;
  const cpuMismatch = old?.info.type.startsWith('percpu') !== target?.info.type.startsWith('percpu');
  if (odd === undefined && !cpuMismatch) return;
  const state =
    odd === undefined ? 'one of the two is per CPU' : `its type is ${odd.info.type}, needs plain data`;
  throw new L3afError('state-mismatch', cannot('migrate', 'map', `${kf.name}/${carry.map}`, state));
}

type Move = (entry: { key: Buffer; value: Buffer }) => { key: Buffer; value: Buffer };

function entryMove(migration: MapMigration | undefined, old: KernelMap, target: KernelMap): Move {
  if (migration === undefined) return (entry) => entry;
  const keySizes = { from: old.info.keyBytes, to: target.info.keyBytes };
  const valueSizes = { from: old.info.valueBytes, to: target.info.valueBytes };
  return ({ key, value }) => ({
    key: moveFields(key, { ...keySizes, fields: migration.key }),
    value: moveValues(value, { ...valueSizes, fields: migration.value, defaults: migration.defaults }),
  });
}

interface Layout {
  from: number;
  to: number;
  fields?: readonly FieldMove[] | undefined;
  defaults?: Uint8Array | undefined;
}

/** Builds one key or value of the new layout. Pure. */
export function moveFields(bytes: Buffer, layout: Layout): Buffer {
  const result = Buffer.alloc(layout.to);
  if (layout.defaults) result.set(layout.defaults.subarray(0, layout.to));
  const all = Math.min(layout.from, layout.to);
  const fields = layout.fields ?? [{ fromOffset: 0, fromBytes: all, toOffset: 0, toBytes: all }];
  for (const field of fields) {
    const part = bytes.subarray(field.fromOffset, field.fromOffset + field.fromBytes);
    const negative = field.signed === true && ((part.at(-1) ?? 0) & 0x80) !== 0;
    result.fill(negative ? 0xff : 0, field.toOffset, field.toOffset + field.toBytes);
    result.set(part.subarray(0, field.toBytes), field.toOffset);
  }
  return result;
}

/** A per-CPU map's entry holds one value per CPU, each padded to 8 bytes. */
function moveValues(value: Buffer, layout: Layout): Buffer {
  if (value.length === layout.from) return moveFields(value, layout);
  const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;
  const cpus = value.length / padded(layout.from);
  const parts = Array.from({ length: cpus }, (_, cpu) => {
    const part = value.subarray(cpu * padded(layout.from), cpu * padded(layout.from) + layout.from);
    const moved = moveFields(part, layout);
    return Buffer.concat([moved, Buffer.alloc(padded(layout.to) - layout.to)]);
  });
  return Buffer.concat(parts);
}
