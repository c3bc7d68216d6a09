import {
  cannot,
  chainKeyText,
  L3afError,
  nodeSubject,
  packageSubject,
  parsePackageReference,
  type ChainKey,
  type DesiredKf,
  type NodeView,
  type PackageView,
} from '@l3af/contracts';
import { queryConfig, type Bus } from '@l3af/event-store';
import { resolveKf, type ResolveInput } from './resolve';

/** Asks config-store what one change needs to know, each thing once. */
export class LookUp {
  private readonly packages = new Map<string, Promise<PackageView | null>>();

  constructor(private readonly bus: Bus) {}

  packageOf(name: string): Promise<PackageView | null> {
    let found = this.packages.get(name);
    if (!found) this.packages.set(name, (found = this.readPackage(name)));
    return found;
  }

  // Whoever has just seen a build succeed may use its package at once: config-store is asked to have caught up.
  private async readPackage(name: string): Promise<PackageView | null> {
    const last = await this.bus.store.last(packageSubject(name));
    return last ? queryConfig(this.bus, 'packages.get', { name, minSequence: last.sequence }) : null;
  }

  private async readNode(name: string): Promise<NodeView | null> {
    const last = await this.bus.store.last(nodeSubject(name));
    return last ? queryConfig(this.bus, 'nodes.get', { name, minSequence: last.sequence }) : null;
  }

  /** A KF of a document with its package looked up. */
  async kf(input: Omit<ResolveInput, 'view'>): Promise<DesiredKf> {
    const { name } = parsePackageReference(input.document.package)!;
    return resolveKf({ ...input, view: await this.packageOf(name) });
  }

  /** Refuses a chain for a node that never registered, or for an interface that the node does not have. */
  async requireTarget(key: ChainKey, needs: { interface: boolean }): Promise<void> {
    const node = await this.readNode(key.node);
    if (!node) {
      throw new L3afError(
        'unknown-node',
        cannot('use', 'node', key.node, 'no node of this name has registered'),
      );
    }
    if (!needs.interface || node.interfaces.some(({ name }) => name === key.interface)) return;
    const interfaces = node.interfaces.map(({ name }) => name);
    const state = `node ${key.node} has ${interfaces.join(', ') || 'none'}`;
    throw new L3afError('unknown-interface', cannot('use', 'interface', key.interface, state), {
      hint: '`l3af nodes -o json` lists the interfaces; to deploy before the interface appears, allow it to be missing',
      details: { chain: chainKeyText(key), interfaces },
    });
  }
}
