import { chainKeyText, type NodeReply, type NodeRequest } from '@l3af/contracts';
import type { Bus, NodeHandlers, Subscription } from '@l3af/event-store';
import { serveNode } from '@l3af/event-store';
import type { ArtifactStore } from '../artifact/artifact-store';
import type { ChainMemory } from '../chain/memory';
import type { Measuring } from '../chain/measuring';
import { observe } from '../chain/observe';
import type { Reconciler } from '../chain/reconcile';
import { resetChainCounters } from '../chain/reset-counters';
import { shownCounters } from '../chain/shown-counters';
import { timeChain } from '../chain/timing';
import { explain } from '../explain/explain';
import type { LiveExplain } from '../explain/live';
import type { Reporter } from '../report/reporter';
import { liveChain } from './live-chain';
import { dumpMap } from './map-dump';

export interface RpcOptions {
  bus: Bus;
  node: string;
  memory: ChainMemory;
  reporter: Reporter;
  reconciler: Reconciler;
  artifacts: ArtifactStore;
  measuring: Measuring;
  live: LiveExplain;
}

/** Answers live questions about this node's chains from the kernel, as it is now. */
export function serveRpc(options: RpcOptions): Promise<Subscription> {
  const handlers: NodeHandlers = {
    chains: (request) => readChains(options, request),
    'map-dump': (request) => dumpMap(options, request),
    explain: (request) => explainPacket(options, request),
    'reset-counters': ({ interface: name, hook, correlationId, ...request }) =>
      resetChainCounters(options, {
        key: { node: options.node, interface: name, hook },
        ...request,
        ...(correlationId !== undefined && { correlationId }),
      }),
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
    const plain = options.reconciler.measured.get(chainKeyText(key));
    const { kfs, broken } = shownCounters(target, live, plain);
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

async function explainPacket(
  options: RpcOptions,
  request: NodeRequest<'explain'>,
): Promise<NodeReply<'explain'>> {
  const chain = liveChain(options.reconciler, {
    node: options.node,
    interface: request.interface,
    hook: request.hook,
  });
  return explain({ ...chain, artifacts: options.artifacts, packet: Buffer.from(request.packet, 'hex') });
}
