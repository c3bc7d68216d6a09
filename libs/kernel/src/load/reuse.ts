import { cannot, L3afError, type MapSchema } from '@l3af/contracts';
import { KernelMap } from '../bpf/map';
import { isPlainData, mapTypeName } from '../bpf/map-types';
import { openPin } from '../bpf/pin';
import type { ObjectMap } from '../object/open';
import type { KfLoad, MapMigration } from '../types';
import { hashWrites, signatureOf } from './checks';
import type { PinnedGeneration } from '../generation/generation';
import { sharedMapPath, type HookKey } from '../generation/paths';

/** A map whose content is copied into a new one. */
export interface Carry {
  map: string;
  fromPath: string;
  migration?: MapMigration | undefined;
}

/** Decides, map by map while an object is open, what becomes of the state of the generation before. */
export class StateReuse {
  signatures: { name: string; signature: string; shared: boolean }[] = [];
  /** Maps used in common with the generation before. */
  shared: string[] = [];
  carries: Carry[] = [];
  warnings: string[] = [];
  /** Maps pinned by name that were there already. */
  readonly sharedFound = new Set<string>();
  readonly #fds: KernelMap[] = [];
  readonly #hashes: Record<string, string>;

  constructor(
    readonly key: HookKey,
    readonly kf: KfLoad,
    readonly from: { maps: readonly MapSchema[]; previous: PinnedGeneration | undefined },
  ) {
    this.#hashes = hashWrites(kf.writes);
  }

  /** Forgets what was decided: the object is opened once more. */
  restart(): void {
    this.close();
    this.signatures = [];
    this.shared = [];
    this.carries = [];
    this.warnings = [];
    this.sharedFound.clear();
  }

  /** The descriptor of the map to use in place of a new one; undefined: a new one. */
  decide(map: ObjectMap): number | undefined {
    const schema = this.from.maps.find(({ name }) => name === map.name);
    const signature = schema
      ? signatureOf(schema)
      : signatureOf({ name: map.name, globals: globalsText(map) });
    this.signatures.push({ name: map.name, signature, shared: map.pinnedByName });
    if (map.pinnedByName) return this.#useShared(map);
    const before = this.#before(map.name);
    if (before === undefined || isWithoutState(map)) return undefined;
    if (before.migration !== undefined) {
      this.carries.push({ map: map.name, fromPath: before.path, migration: before.migration });
      return undefined;
    }
    const old = this.#open(before.path);
    if (old === undefined) return undefined;
    const difference = before.signature === signature ? definitionDiffers(map, old) : 'its BTF';
    if (difference !== undefined) return this.#mismatch(map, difference);
    return this.#shareOrCopy(map, old, before);
  }

  #shareOrCopy(map: ObjectMap, old: KernelMap, before: { path: string; writes: string | undefined }) {
    const same = before.writes === this.#hashes[map.name] || this.#alreadySays(map.name, old);
    if (same || !isPlainData(old.info.type)) {
      this.shared.push(map.name);
      return old.fd;
    }
    // Writing into the live generation's map would change packets before the swap and survive a rollback.
    this.carries.push({ map: map.name, fromPath: before.path });
    return undefined;
  }

  #before(name: string) {
    const { previous } = this.from;
    const index = previous?.record.kfs.findIndex((kf) => kf.name === this.kf.name) ?? -1;
    const kf = previous?.record.kfs[index];
    if (previous === undefined || kf === undefined || this.kf.state === 'fresh') return undefined;
    const migration = this.kf.migrations?.find(({ map }) => map === name);
    const oldName = migration?.from ?? name;
    const recorded = kf.maps.find((map) => map.name === oldName);
    if (recorded === undefined) return undefined;
    const path = previous.paths.kfMap({ index, name: kf.name }, oldName);
    return { signature: recorded.signature, writes: kf.writes[oldName], path, migration };
  }

  #mismatch(map: ObjectMap, difference: string): undefined {
    if (map.globals !== undefined) {
      this.warnings.push(`KF ${this.kf.name}: global data ${map.name} starts anew, its variables changed`);
      return undefined;
    }
    throw new L3afError(
      'state-mismatch',
      cannot(
        'keep',
        'map',
        `${this.kf.name}/${map.name}`,
        `${difference} differs from the live generation's`,
      ),
      { details: { kf: this.kf.name, map: map.name, difference } },
    );
  }

  #useShared(map: ObjectMap): number | undefined {
    const old = this.#open(sharedMapPath(this.key, map.name));
    if (old === undefined) return undefined;
    const difference = definitionDiffers(map, old);
    if (difference === undefined) {
      this.sharedFound.add(map.name);
      return old.fd;
    }
    throw new L3afError(
      'state-mismatch',
      cannot(
        'share',
        'map',
        `${this.kf.name}/${map.name}`,
        `${difference} differs from the one pinned by name`,
      ),
      { details: { kf: this.kf.name, map: map.name, difference } },
    );
  }

  #open(path: string): KernelMap | undefined {
    const fd = openPin(path);
    if (fd === undefined) return undefined;
    const map = new KernelMap(fd);
    this.#fds.push(map);
    return map;
  }

  /** True when the live map holds exactly what the configuration would write. */
  #alreadySays(name: string, old: KernelMap): boolean {
    const perCpu = old.info.type.includes('percpu');
    if (perCpu || (this.kf.removes ?? []).some(({ map }) => map === name)) return false;
    return this.kf.writes
      .filter((write) => write.map === name)
      .every(({ key, value }) => old.lookup(key)?.equals(value) === true);
  }

  close(): void {
    this.#fds.splice(0).forEach((map) => map.close());
  }
}

const globalsText = ({ globals, valueBytes }: ObjectMap): string =>
  JSON.stringify([valueBytes, globals ?? []]);

/** Constants and programs belong to the object, not to what it has seen. */
function isWithoutState(map: ObjectMap): boolean {
  return map.name.startsWith('.rodata') || map.name === '.kconfig' || mapTypeName(map.type) === 'prog_array';
}

/** libbpf would adopt a map whose definition differs without an error, so the kernel's map is compared here. */
export function definitionDiffers(map: ObjectMap, old: KernelMap): string | undefined {
  const { info } = old;
  const readOnlyForPrograms = 128; // the kernel sets it on device maps by itself
  const chosenByLibbpf = map.entriesMax === 0;
  if (map.type !== info.typeNumber) return `its type (${mapTypeName(map.type)}, was ${info.type})`;
  if (map.keyBytes !== info.keyBytes) return `its key size (${map.keyBytes}, was ${info.keyBytes})`;
  if (map.valueBytes !== info.valueBytes) return `its value size (${map.valueBytes}, was ${info.valueBytes})`;
  if (!chosenByLibbpf && map.entriesMax !== info.entriesMax)
    return `its size (${map.entriesMax} entries, was ${info.entriesMax})`;
  if ((map.flags & ~readOnlyForPrograms) !== (info.flags & ~readOnlyForPrograms)) return 'its flags';
  return undefined;
}
