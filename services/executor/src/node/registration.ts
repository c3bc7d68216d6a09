import { isDeepStrictEqual } from 'node:util';
import { arch } from 'node:os';
import { type NodeFacts, nodeSubject } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';
import { type KernelFeatures, listInterfaces } from '@l3af/kernel';
import type { Settings } from '../settings';

const executorVersion = (require('../../package.json') as { version: string }).version;

/** What this node is, read from the machine now. */
export function readNodeFacts(settings: Settings, kernel: KernelFeatures): NodeFacts {
  return {
    node: settings.node,
    labels: settings.labels,
    kernel: kernel.kernel,
    architecture: arch() === 'x64' ? 'amd64' : arch(),
    interfaces: listInterfaces(settings.netns)
      .filter(({ name }) => name !== 'lo')
      .map(({ name, ifindex, mtu, mac, up, kind }) => ({
        name,
        ifindex,
        mtu,
        mac,
        up,
        ...(kind !== undefined && { kind }),
      })),
    features: kernel.supported,
    executor: { version: executorVersion, instance: settings.instance },
  };
}

/**
 * Appends NodeRegistered the first time, NodeChanged when a fact changed since, and nothing otherwise. The facts are
 * read after the last event is: of two writers, none stores what was true before the other looked.
 */
export async function registerNode(bus: Bus, node: string, readFacts: () => NodeFacts): Promise<void> {
  await bus.store.decide({ subject: nodeSubject(node), actor: `executor/${node}` }, (last) => {
    const facts = readFacts();
    const known = last?.events.at(-1);
    if (known?.type !== 'NodeRegistered' && known?.type !== 'NodeChanged') {
      return [{ type: 'NodeRegistered', version: 1, data: facts }];
    }
    return isDeepStrictEqual(known.data, facts) ? [] : [{ type: 'NodeChanged', version: 1, data: facts }];
  });
}
