import {
  cannot,
  chainKeyText,
  chainSubject,
  L3afError,
  nodeSubject,
  packageSubject,
  parsePackageReference,
  type ChainAttach,
  type ChainKey,
  type DesiredKf,
  type KfDocument,
  type NodeView,
  type PackageVersionView,
  type PackageView,
} from '@l3af/contracts';
import { queryConfig, readGroups, type Bus } from '@l3af/event-store';
import type { PackageSchemas } from '../package/package-schemas';
import type { Statements } from '../package/statements';
import { checkConfig, chooseVersion, resolveKf } from './resolve';
import { checkVerified, type Verdict } from './verification';
import { awaitStatement, isVerifiedFirst } from './verified-first';

function unusableRevision(key: ChainKey, revision: number, state: string): L3afError {
  return new L3afError(
    'unknown-revision',
    `Cannot roll back chain "${chainKeyText(key)}" to revision ${revision}: ${state}`,
    { details: { ...key, revision } },
  );
}

/** Asks config-store what one change needs to know, each thing once. */
export class LookUp {
  /** What whoever asked should know, although nothing is refused. */
  readonly warnings = new Set<string>();
  private node: Promise<NodeView | null> | undefined;
  private groups: Promise<string[]> | undefined;
  private readonly packages = new Map<string, Promise<PackageView | null>>();

  constructor(
    private readonly bus: Bus,
    private readonly about: { schemas: PackageSchemas; statements: Statements },
    private readonly key: ChainKey,
  ) {}

  private packageOf(name: string): Promise<PackageView | null> {
    let found = this.packages.get(name);
    if (!found) this.packages.set(name, (found = this.readPackage(name)));
    return found;
  }

  // Whoever has just seen a build succeed may use its package at once: config-store is asked to have caught up.
  private async readPackage(name: string): Promise<PackageView | null> {
    const last = await this.bus.store.last(packageSubject(name));
    return last ? queryConfig(this.bus, 'packages.get', { name, minSequence: last.sequence }) : null;
  }

  private nodeOf(): Promise<NodeView | null> {
    return (this.node ??= this.readNode(this.key.node));
  }

  private async readNode(name: string): Promise<NodeView | null> {
    const last = await this.bus.store.last(nodeSubject(name));
    return last ? queryConfig(this.bus, 'nodes.get', { name, minSequence: last.sequence }) : null;
  }

  private groupsOf(): Promise<string[]> {
    return (this.groups ??= this.readGroups(this.key.node));
  }

  // From the stream, as the node itself reads them: what was said a moment ago counts.
  private async readGroups(name: string): Promise<string[]> {
    const last = (await this.bus.store.last(nodeSubject(name)))?.events.at(-1);
    const isFacts = last?.type === 'NodeRegistered' || last?.type === 'NodeChanged';
    return readGroups(this.bus, name, isFacts ? last.data.labels : {});
  }

  /** A KF of a document with everything resolved. `running`: the digests that the chain runs now. */
  async kf(document: KfDocument, running: ReadonlySet<string> = new Set()): Promise<DesiredKf> {
    const reference = parsePackageReference(document.package)!;
    const version = chooseVersion(reference, await this.packageOf(reference.name), running);
    const { hook } = this.key;
    const kf = resolveKf({ document, version, schema: await this.about.schemas.of(version), hook });
    if (!running.has(kf.digest)) await this.checkVerified(kf, version);
    return kf;
  }

  /** What the chain runs now its kernel has loaded, whatever anyone states. */
  private async checkVerified(kf: DesiredKf, version: PackageVersionView): Promise<void> {
    const node = await this.nodeOf();
    if (!node) return;
    // Events say whether there is anything to read; they are no proof of what it says.
    let verdict = await this.verdict(kf, node, version.verified.length > 0);
    if (!verdict.verified && (await isVerifiedFirst(this.bus, await this.groupsOf()))) {
      await awaitStatement({ bus: this.bus, kf, kernel: node.kernel });
      verdict = await this.verdict(kf, node, true);
    }
    if (verdict.warning !== undefined) this.warnings.add(verdict.warning);
  }

  /** A registry that is away keeps nobody from deploying: the node's own kernel has the last word anyway. */
  private async verdict(kf: DesiredKf, node: NodeView, isAnything: boolean): Promise<Verdict> {
    const { hook } = this.key;
    try {
      const version = { name: kf.package, digest: kf.digest };
      const statements = isAnything ? await this.about.statements.of(version, await this.groupsOf()) : [];
      return checkVerified(kf, { statements, hook, node });
    } catch (error) {
      if (!(error instanceof L3afError) || error.code !== 'registry-unavailable') throw error;
      const text = `${kf.package}@${kf.version}`;
      return { verified: false, warning: `what kernels said of ${text} cannot be read: ${error.message}` };
    }
  }

  /** Refuses a configuration that a KF of a chain cannot take. */
  async checkConfig(kf: DesiredKf): Promise<void> {
    const view = await this.packageOf(kf.package);
    const version = chooseVersion({ name: kf.package, digest: kf.digest }, view, new Set([kf.digest]));
    checkConfig(kf, await this.about.schemas.of(version));
  }

  /** Refuses a KF whose version has been yanked since, unless the chain runs it now. */
  async requireUsable(kf: DesiredKf, running: ReadonlySet<string>): Promise<void> {
    const reference = { name: kf.package, digest: kf.digest };
    const version = chooseVersion(reference, await this.packageOf(kf.package), running);
    if (!running.has(kf.digest)) await this.checkVerified(kf, version);
  }

  /** What a chain was at a revision, from the event stream: as decided then, to the digest. */
  async chainAt(
    key: ChainKey,
    revision: number,
  ): Promise<{ kfs: DesiredKf[]; attach?: ChainAttach | undefined }> {
    for await (const { events } of this.bus.store.read({ subject: chainSubject(key) })) {
      for (const event of events) {
        if (!('revision' in event.data) || event.data.revision !== revision) continue;
        if (event.type === 'ChainRevised') return event.data;
        if (event.type === 'ChainCleared') return { ...event.data, kfs: [] };
        if (event.type === 'ChainDeleted') throw unusableRevision(key, revision, 'it deleted the chain');
      }
    }
    throw unusableRevision(key, revision, 'there is none');
  }

  /** Refuses a chain for a node that never registered, or for an interface that the node does not have. */
  async requireTarget(key: ChainKey, needs: { interface: boolean }): Promise<void> {
    const node = await this.nodeOf();
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
