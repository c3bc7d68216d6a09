import { planConfig } from '@l3af/bpf-object';
import {
  L3afError,
  cannot,
  chainDocumentSchema,
  chainKeyText,
  chainViewSchema,
  nodeViewSchema,
  packageViewSchema,
  parsePackageReference,
  type ChainDocument,
  type ChainDocumentInput,
  type PackageView,
} from '@l3af/contracts';
import { chooseVersion } from '../kf/choose-version';
import type { Session } from '../session';
import type { ChangeOptions } from './change';
import { chainPath } from './path';

/**
 * Looks up what documents name (nodes, interfaces, packages, versions) and checks configurations, before the first
 * is stored: one that cannot be applied must not leave those before it applied. The API checks each again, and more.
 */
export async function checkReferences(
  session: Session,
  documents: ChainDocumentInput[],
  options: ChangeOptions,
): Promise<void> {
  const packages = new Map<string, Promise<PackageView>>();
  for (const input of documents) {
    const document = chainDocumentSchema.parse(input);
    await checkTarget(session, document, options);
    for (const kf of document.kfs) await checkKf(session, kf, packages);
  }
}

async function checkTarget(session: Session, document: ChainDocument, options: ChangeOptions): Promise<void> {
  const path = `/v1/nodes/${encodeURIComponent(document.node)}`;
  const { interfaces } = await session.api.ask(path, nodeViewSchema);
  if (options.allowMissingInterface || interfaces.some(({ name }) => name === document.interface)) return;
  // An interface that has gone must not keep anyone from changing the chain that it had.
  if (await hasChain(session, document)) return;
  const state = `node ${document.node} has ${interfaces.map(({ name }) => name).join(', ') || 'none'}`;
  throw new L3afError('unknown-interface', cannot('apply', 'chain', chainKeyText(document), state));
}

async function hasChain(session: Session, document: ChainDocument): Promise<boolean> {
  try {
    return (await session.api.ask(chainPath(document), chainViewSchema)).desired !== null;
  } catch (error) {
    if (error instanceof L3afError && error.code === 'unknown-chain') return false;
    throw error;
  }
}

async function checkKf(
  { api }: Session,
  kf: ChainDocument['kfs'][number],
  packages: Map<string, Promise<PackageView>>,
): Promise<void> {
  const { name, version, digest } = parsePackageReference(kf.package)!;
  const view = packages.get(name) ?? api.ask(`/v1/packages/${encodeURIComponent(name)}`, packageViewSchema);
  packages.set(name, view);
  const { schema } = chooseVersion(await view, version ?? digest);
  if (schema) planConfig(schema, kf.config);
}
