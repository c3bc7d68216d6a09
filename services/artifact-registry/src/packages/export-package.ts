import { cannot, L3afError } from '@l3af/contracts';
import { documentBytes, mediaTypes } from '@l3af/oci';
import type { Descriptor } from '@l3af/oci';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import { DistributionError } from '../distribution-error';
import type { Registry } from '../registry';
import { manifestOf, referencesOf } from '../repository/manifest-document';
import { attachedSuffixes } from './mirror-package';

/** The annotation of an OCI layout's index that names a tag, and ours for the repository. */
export const tagAnnotation = 'org.opencontainers.image.ref.name';
export const nameAnnotation = 'io.l3af.package';

interface Plan {
  /** What the archive's index lists. */
  roots: Descriptor[];
  manifests: Set<string>;
  /** The manifests' own among them. */
  blobs: Set<string>;
}

/** As many as an import takes. */
const rootsMax = 1000;

/**
 * A version of a package with everything attached to it (signatures, statements) as a tar archive of an OCI
 * layout: {@link importArchive} takes it elsewhere, and skopeo reads it as `oci-archive:`.
 */
export async function exportPackage(registry: Registry, name: string, version: string): Promise<Pack> {
  const plan = await planExport(registry, name, version);
  const archive = pack();
  write(registry, { name, plan }, archive).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return archive;
}

async function planExport(registry: Registry, name: string, version: string): Promise<Plan> {
  const digest = await registry.tags.get(name, version);
  if (digest === undefined)
    throw new L3afError(
      'unknown-version',
      cannot('export', 'package', `${name}@${version}`, 'there is none'),
    );
  const plan: Plan = { roots: [], manifests: new Set(), blobs: new Set() };
  await addRoot(registry, { name, digest, tag: version }, plan);
  // What is found on the way is looked at in turn: a statement may be signed, too.
  for (const found of plan.manifests) await addAttached(registry, { name, digest: found }, plan);
  return plan;
}

async function addAttached(
  registry: Registry,
  { name, digest }: { name: string; digest: string },
  plan: Plan,
): Promise<void> {
  const referrers = await registry.manifests.referrers(name, digest, { limit: Infinity });
  for (const referrer of referrers.descriptors)
    if (!plan.manifests.has(referrer.digest))
      await addRoot(registry, { name, digest: referrer.digest }, plan);
  for (const suffix of attachedSuffixes) {
    const tag = digest.replace(':', '-') + suffix;
    const found = await registry.tags.get(name, tag);
    if (found !== undefined) await addRoot(registry, { name, digest: found, tag }, plan);
  }
}

async function addRoot(
  registry: Registry,
  { name, digest, tag }: { name: string; digest: string; tag?: string },
  plan: Plan,
): Promise<void> {
  const found = await addManifest(registry, { name, digest }, plan);
  const annotations = { [nameAnnotation]: name, ...(tag !== undefined && { [tagAnnotation]: tag }) };
  if (plan.roots.length >= rootsMax)
    throw new L3afError(
      'payload-too-large',
      cannot('export', 'package', name, `more than ${rootsMax} things are attached to it`),
    );
  plan.roots.push({ mediaType: found.mediaType, digest, size: found.bytes.length, annotations });
}

async function addManifest(
  registry: Registry,
  { name, digest }: { name: string; digest: string },
  plan: Plan,
) {
  const found = await registry.manifests.get(name, digest);
  if (!found) throw new DistributionError('MANIFEST_UNKNOWN', `${name} has no manifest ${digest}`);
  plan.manifests.add(digest);
  plan.blobs.add(digest);
  const { blobs, manifests } = referencesOf(manifestOf(found.bytes));
  for (const blob of blobs) plan.blobs.add(blob.digest);
  for (const below of manifests) await addManifest(registry, { name, digest: below.digest }, plan);
  return found;
}

async function write(
  registry: Registry,
  { name, plan }: { name: string; plan: Plan },
  archive: Pack,
): Promise<void> {
  archive.entry({ name: 'oci-layout', mtime: new Date(0) }, '{"imageLayoutVersion":"1.0.0"}');
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: plan.roots };
  archive.entry({ name: 'index.json', mtime: new Date(0) }, Buffer.from(documentBytes(index)));
  for (const digest of [...plan.blobs].sort()) {
    const found = await registry.content.find(digest);
    if (!found) throw new DistributionError('BLOB_UNKNOWN', `${name} has no blob ${digest}`);
    const { size } = found.value;
    const entry = archive.entry({ name: `blobs/${digest.replace(':', '/')}`, size, mtime: new Date(0) });
    for await (const piece of registry.content.read(found.value)) {
      // streamx says when it has had enough; waiting keeps memory bounded.
      if (!entry.write(Buffer.from(piece)))
        await new Promise<void>((resolve) => entry.once('drain', () => resolve()));
    }
    const closed = new Promise<void>((resolve) => entry.once('close', () => resolve()));
    entry.end(null);
    await closed;
  }
}
