import {
  cannot,
  type ChainKey,
  chainKeyText,
  type ConfigValue,
  L3afError,
  type MapSchema,
  type NodeReply,
  type ObjectSchema,
} from '@l3af/contracts';
import { decodeKey, decodeMapValue, didYouMean } from '@l3af/bpf-object';
import { type KfMap, openKfMap } from '@l3af/kernel';
import type { ArtifactStore } from '../artifact/artifact-store';
import type { Reconciler } from '../chain/reconcile';
import { liveChain } from './live-chain';

export interface DumpOptions {
  node: string;
  reconciler: Pick<Reconciler, 'target'>;
  artifacts: Pick<ArtifactStore, 'get'>;
}

/** The entries of a KF's map, from the kernel, now. */
export async function dumpMap(
  options: DumpOptions,
  request: { interface: string; hook: ChainKey['hook']; kf: string; map: string; limit: number },
): Promise<NodeReply<'map-dump'>> {
  const key = { node: options.node, interface: request.interface, hook: request.hook };
  const { target, generation, applied } = liveChain(options.reconciler, key);
  const kf = applied.kfs.find(({ name }) => name === request.kf);
  if (!kf)
    throw new L3afError(
      'unknown-instance',
      cannot('read', 'KF', request.kf, `chain ${chainKeyText(key)} has none of that name`),
    );
  const { schema } = await options.artifacts.get(kf);
  const definition = schema.maps.find(({ name }) => name === request.map);
  if (!definition) throw unknownMap(kf.name, request.map, schema);
  const map = openKfMap(target, generation, { kf: kf.name, map: request.map });
  try {
    const found = [...map.entries(request.limit + 1)]; // one more than asked, to see that there is more
    const entries = found.slice(0, request.limit).map((entry) => ({
      key: decodeKey(definition, entry.key),
      value: decodeEntry(map, definition, entry.value),
    }));
    return {
      map: request.map,
      type: map.info.type,
      entries,
      truncated: found.length > request.limit,
    };
  } finally {
    map.close();
  }
}

function unknownMap(kf: string, map: string, { maps }: ObjectSchema): L3afError {
  const names = maps.map(({ name }) => name);
  const listed = names.length > 0 ? `KF ${kf} has ${names.join(', ')}` : `KF ${kf} has no maps`;
  return new L3afError(
    'unknown-map',
    cannot('read', 'map', map, `KF ${kf} has none of this name, ${didYouMean(map, names)}`),
    {
      hint: listed,
      details: { kf, maps: names },
    },
  );
}

/** Per-CPU maps give a list, one value a CPU; the kernel pads each to 8 bytes. */
function decodeEntry(map: KfMap, definition: MapSchema, bytes: Uint8Array): ConfigValue {
  if (!map.info.type.includes('percpu')) return decodeMapValue(definition, bytes);
  const step = Math.ceil(definition.valueBytes / 8) * 8;
  return Array.from({ length: bytes.length / step }, (_, cpu) =>
    decodeMapValue(definition, bytes.subarray(cpu * step, cpu * step + definition.valueBytes)),
  );
}
