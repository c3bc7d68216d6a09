import { closeSync } from 'node:fs';
import { structure } from '../sys/attributes';
import { failedWith } from '../sys/errors';
import { bpfCall } from '../sys/libc';
import { operationDone } from '../sys/operations';
import type { KfMap, MapInfo } from '../types';
import { possibleCpus } from './cpus';
import { nameField, objectInfo } from './info';
import { isPerCpu, mapTypeName, mapTypeNumber } from './map-types';

const command = { mapCreate: 0, lookup: 1, update: 2, delete: 3, nextKey: 4, freeze: 22, lookupBatch: 24 };

export interface MapCreate {
  type: string;
  name: string;
  keyBytes: number;
  valueBytes: number;
  entriesMax: number;
  flags?: number;
}

/** Creates a map. The caller closes the descriptor; the map lives as long as a descriptor, pin or program holds it. */
export function createMap(map: MapCreate): number {
  return bpfCall(
    'BPF_MAP_CREATE',
    command.mapCreate,
    structure(72, [
      { at: 0, u32: mapTypeNumber(map.type) },
      { at: 4, u32: map.keyBytes },
      { at: 8, u32: map.valueBytes },
      { at: 12, u32: map.entriesMax },
      { at: 16, u32: map.flags ?? 0 },
      { at: 28, bytes: Buffer.from(map.name.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 15)) },
    ]),
    map.name,
  );
}

export interface KernelMapInfo extends MapInfo {
  typeNumber: number;
  btfId: number;
  btfKeyTypeId: number;
  btfValueTypeId: number;
}

export function mapInfo(fd: number): KernelMapInfo {
  const info = objectInfo(fd, Buffer.alloc(88));
  const typeNumber = info.readUInt32LE(0);
  return {
    typeNumber,
    type: mapTypeName(typeNumber),
    id: info.readUInt32LE(4),
    keyBytes: info.readUInt32LE(8),
    valueBytes: info.readUInt32LE(12),
    entriesMax: info.readUInt32LE(16),
    flags: info.readUInt32LE(20),
    name: nameField(info, 24),
    btfId: info.readUInt32LE(64),
    btfKeyTypeId: info.readUInt32LE(68),
    btfValueTypeId: info.readUInt32LE(72),
  };
}

/** An open map. It owns its descriptor. */
export class KernelMap implements KfMap {
  readonly info: KernelMapInfo;
  /** Bytes of one entry's value in a system call: for per-CPU maps, all CPUs' values. */
  readonly #wireBytes: number;
  #open = true;

  constructor(readonly fd: number) {
    this.info = mapInfo(fd);
    const padded = Math.ceil(this.info.valueBytes / 8) * 8;
    this.#wireBytes = isPerCpu(this.info.type) ? padded * possibleCpus() : this.info.valueBytes;
  }

  #element(key: Uint8Array | null, value: Uint8Array | null): Buffer {
    return structure(32, [
      { at: 0, u32: this.fd },
      { at: 8, pointer: key },
      { at: 16, pointer: value },
    ]);
  }

  /** A wrong size would make the kernel read or write beyond the buffer. */
  #checked(what: 'key' | 'value', bytes: Uint8Array, size: number): Buffer {
    if (bytes.length !== size) {
      throw new RangeError(`map ${this.info.name}: ${what} has ${bytes.length} bytes, needs ${size}`);
    }
    return Buffer.from(bytes);
  }

  lookup(key: Uint8Array): Buffer | undefined {
    const keyBytes = this.#checked('key', key, this.info.keyBytes);
    const value = Buffer.alloc(this.#wireBytes);
    try {
      bpfCall('BPF_MAP_LOOKUP_ELEM', command.lookup, this.#element(keyBytes, value), this.info.name);
    } catch (error) {
      if (failedWith(error, 'ENOENT')) return undefined;
      throw error;
    }
    return value;
  }

  /** One CPU's value given for a per-CPU map is written for all CPUs. */
  update(key: Uint8Array, value: Uint8Array): void {
    const keyBytes = this.#checked('key', key, this.info.keyBytes);
    const wire = this.#checked('value', this.#spread(value), this.#wireBytes);
    bpfCall('BPF_MAP_UPDATE_ELEM', command.update, this.#element(keyBytes, wire), this.info.name);
    operationDone(`map update ${this.info.name}`);
  }

  #spread(value: Uint8Array): Uint8Array {
    if (!isPerCpu(this.info.type) || value.length !== this.info.valueBytes) return value;
    const cpus = possibleCpus();
    const wire = Buffer.alloc(this.#wireBytes);
    for (let cpu = 0; cpu < cpus; cpu++) wire.set(value, (cpu * this.#wireBytes) / cpus);
    return wire;
  }

  delete(key: Uint8Array): boolean {
    const keyBytes = this.#checked('key', key, this.info.keyBytes);
    try {
      bpfCall('BPF_MAP_DELETE_ELEM', command.delete, this.#element(keyBytes, null), this.info.name);
    } catch (error) {
      if (failedWith(error, 'ENOENT')) return false;
      throw error;
    }
    operationDone(`map delete ${this.info.name}`);
    return true;
  }

  *keys(): Generator<Buffer> {
    let key: Buffer | null = null;
    for (;;) {
      const next = Buffer.alloc(this.info.keyBytes);
      try {
        bpfCall('BPF_MAP_GET_NEXT_KEY', command.nextKey, this.#element(key, next), this.info.name);
      } catch (error) {
        if (failedWith(error, 'ENOENT')) return;
        throw error;
      }
      yield next;
      key = next;
    }
  }

  *entries(limit = Number.POSITIVE_INFINITY): Generator<{ key: Buffer; value: Buffer }> {
    let count = 0;
    const seen = Math.max(this.info.entriesMax * 2, 1024); // a map that changes meanwhile may start over: bounded
    for (const key of this.keys()) {
      if (count >= limit || count >= seen) return;
      const value = this.lookup(key);
      if (value === undefined) continue;
      count++;
      yield { key, value };
    }
  }

  /** No system call changes it any more. */
  freeze(): void {
    bpfCall('BPF_MAP_FREEZE', command.freeze, structure(4, [{ at: 0, u32: this.fd }]), this.info.name);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
