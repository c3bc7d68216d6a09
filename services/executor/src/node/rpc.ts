import {
  cannot,
  type ChainKey,
  chainKeyText,
  L3afError,
  type NodeReply,
  type NodeRequest,
} from '@l3af/contracts';
import { decodeKey, decodeValue } from '@l3af/bpf-object';
import type { Bus, NodeHandlers, Subscription } from '@l3af/event-store';
import { serveNode } from '@l3af/event-store';
import { type HookTarget, type KfMap, openKfMap, readCounters } from '@l3af/kernel';
import type { ArtifactStore } from '../artifact/artifact-store';
import type { ChainMemory } from '../chain/memory';
import { observe } from '../chain/observe';
import type { AppliedChain } from '../chain/plan';
import type { Reconciler } from '../chain/reconcile';

export interface RpcOptions {
  bus: Bus;
  node: string;
  memory: ChainMemory;
  reconciler: Reconciler;
  artifacts: ArtifactStore;
}

/** Answers live questions about this node's chains from the kernel, as it is now. */
export function serveRpc(options: RpcOptions): Subscription {
  const handlers: NodeHandlers = {
    chains: (request) => readChains(options, request),
    'map-dump': (request) => dumpMap(options, request),
  };
  return serveNode(options.bus, options.node, handlers);
}

function readChains(options: RpcOptions, request: NodeRequest<'chains'>): NodeReply<'chains'> {
  const wanted = options.memory.all().filter(({ key, deleted }) => {
    const matches =
      (request.interface ?? key.interface) === key.interface && (request.hook ?? key.hook) === key.hook;
    return matches && !deleted;
  });
  return wanted.flatMap(({ key }) => {
    const target = options.reconciler.target(key);
    const { hook, live } = target ? observe(target) : {};
    if (!target || !hook || !live) return [];
    const { kfs, broken } = readCounters(target, live.generation);
    const { interface: name, hook: at } = key;
    const { generation, applied } = live;
    return [
      {
        interface: name,
        hook: at,
        revision: applied.revision,
        generation,
        mode: hook.mode ?? 'native',
        kfs,
        broken,
      },
    ];
  });
}

/** The live generation of a hook, or `unknown-chain`. */
function liveChain(
  options: RpcOptions,
  key: ChainKey,
): { target: HookTarget; generation: number; applied: AppliedChain } {
  const target = options.reconciler.target(key);
  const live = target && observe(target).live;
  if (!target || !live)
    throw new L3afError('unknown-chain', cannot('read', 'chain', chainKeyText(key), 'none is live'));
  return { target, ...live };
}

async function dumpMap(
  options: RpcOptions,
  request: { interface: string; hook: ChainKey['hook']; kf: string; map: string; limit: number },
): Promise<NodeReply<'map-dump'>> {
  const key = { node: options.node, interface: request.interface, hook: request.hook };
  const { target, generation, applied } = liveChain(options, key);
  const kf = applied.kfs.find(({ name }) => name === request.kf);
  if (!kf)
    throw new L3afError(
      'unknown-instance',
      cannot('read', 'KF', request.kf, `chain ${chainKeyText(key)} has none of that name`),
    );
  const { schema } = await options.artifacts.get(kf);
  const definition = schema.maps.find(({ name }) => name === request.map);
  if (!definition) {
    const names = schema.maps.map(({ name }) => name).join(', ');
    throw new L3afError(
      'invalid-request',
      cannot('read', 'map', request.map, `KF ${kf.name} has ${names || 'no maps'}`),
    );
  }
  const map = openKfMap(target, generation, { kf: kf.name, map: request.map });
  try {
    const entries = readEntries(map, request.limit).map(({ key: keyBytes, value }) => ({
      key: decodeKey(definition, keyBytes),
      value: isPerCpu(map)
        ? perCpu(value, definition.valueBytes).map((one) =>
            decodeValue(definition.value ?? { kind: 'bytes', bytes: one.length }, one),
          )
        : decodeValue(definition.value ?? { kind: 'bytes', bytes: value.length }, value),
    }));
    return {
      map: request.map,
      type: map.info.type,
      entries: entries.slice(0, request.limit),
      truncated: entries.length > request.limit,
    };
  } finally {
    map.close();
  }
}

/** One more than the limit, so that the caller can say that there is more. */
function readEntries(map: KfMap, limit: number): { key: Uint8Array; value: Uint8Array }[] {
  return [...map.entries(limit + 1)];
}

const isPerCpu = (map: KfMap): boolean => map.info.type.includes('percpu');

/** The kernel pads each CPU's value to 8 bytes. */
function perCpu(values: Uint8Array, valueBytes: number): Uint8Array[] {
  const step = Math.ceil(valueBytes / 8) * 8;
  return Array.from({ length: values.length / step }, (_, cpu) =>
    values.subarray(cpu * step, cpu * step + valueBytes),
  );
}
