import {
  cannot,
  type ChainKey,
  chainKeyText,
  type ConfigValue,
  L3afError,
  type MapSchema,
  type NodeReply,
  type NodeRequest,
} from '@l3af/contracts';
import { decodeKey, decodeMapValue } from '@l3af/bpf-object';
import type { Bus, NodeHandlers, Subscription } from '@l3af/event-store';
import { serveNode } from '@l3af/event-store';
import { type HookTarget, type KfMap, openKfMap, readCounters } from '@l3af/kernel';
import type { ArtifactStore } from '../artifact/artifact-store';
import type { ChainMemory } from '../chain/memory';
import type { Measuring } from '../chain/measuring';
import { observe } from '../chain/observe';
import type { AppliedChain } from '../chain/plan';
import type { Reconciler } from '../chain/reconcile';
import { timeChain } from '../chain/timing';
import { explain } from '../explain/explain';
import type { LiveExplain } from '../explain/live';

export interface RpcOptions {
  bus: Bus;
  node: string;
  memory: ChainMemory;
  reconciler: Reconciler;
  artifacts: ArtifactStore;
  measuring: Measuring;
  live: LiveExplain;
}

/** Answers live questions about this node's chains from the kernel, as it is now. */
export function serveRpc(options: RpcOptions): Subscription {
  const handlers: NodeHandlers = {
    chains: (request) => readChains(options, request),
    'map-dump': (request) => dumpMap(options, request),
    explain: (request) => explainPacket(options, request),
    time: ({ interface: name, hook, seconds }) =>
      timeChain(options.measuring, { key: { node: options.node, interface: name, hook }, seconds }),
    'explain-start': ({ interface: name, hook, ...request }) =>
      options.live.start({ key: { node: options.node, interface: name, hook }, ...request }),
    'explain-next': ({ session }) => options.live.next(session),
    'explain-stop': ({ session }) => options.live.stop(session),
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

async function explainPacket(
  options: RpcOptions,
  request: NodeRequest<'explain'>,
): Promise<NodeReply<'explain'>> {
  const chain = liveChain(options, { node: options.node, interface: request.interface, hook: request.hook });
  return explain({ ...chain, artifacts: options.artifacts, packet: Buffer.from(request.packet, 'hex') });
}

/** Per-CPU maps give a list, one value a CPU; the kernel pads each to 8 bytes. */
function decodeEntry(map: KfMap, definition: MapSchema, bytes: Uint8Array): ConfigValue {
  if (!map.info.type.includes('percpu')) return decodeMapValue(definition, bytes);
  const step = Math.ceil(definition.valueBytes / 8) * 8;
  return Array.from({ length: bytes.length / step }, (_, cpu) =>
    decodeMapValue(definition, bytes.subarray(cpu * step, cpu * step + definition.valueBytes)),
  );
}
