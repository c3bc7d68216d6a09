import { deriveSchema } from '@l3af/bpf-object';
import { imageLabels, L3afError, manifestSchema, objectSchemaSchema } from '@l3af/contracts';
import type { ObjectSchema, PackagePublished } from '@l3af/contracts';
import { imageManifestSchema, manifestsOf, parseDocument, readImage, readLabels } from '@l3af/oci';
import type { ContentSource } from '@l3af/oci';
import { DistributionError } from '../distribution-error';
import type { ContentStore } from '../content/content-store';
import type { Manifests } from '../repository/manifests';

/** A schema larger than this stays out of the event; it is a label of the image, too. */
const schemaBytesMax = 32 * 1024;

/** One repository, read as any other image source. */
export function repositorySource(
  repository: string,
  { manifests, content }: { manifests: Manifests; content: ContentStore },
): ContentSource {
  const missing = (digest: string) =>
    new DistributionError('MANIFEST_BLOB_UNKNOWN', `${repository} lacks ${digest}`);
  return {
    manifest: async (digest) => {
      const found = await manifests.get(repository, digest);
      if (!found) throw missing(digest);
      return found;
    },
    blob: async (digest, bytesMax) => {
      const size = await content.size(digest);
      const bytes = size !== undefined && size <= bytesMax ? await content.get(digest) : undefined;
      if (!bytes) throw missing(digest);
      return bytes;
    },
  };
}

type PackageFacts = Omit<PackagePublished['data'], 'name' | 'packageVersion' | 'digest'>;

/** What is known of a KF package from its labels; undefined when the image is none (bpfman's programs label makes it one). */
export async function readPackageFacts(
  source: ContentSource,
  digest: string,
): Promise<PackageFacts | undefined> {
  let manifests: Map<string, string>;
  let labels: Record<string, string>;
  try {
    manifests = await manifestsOf(source, digest);
    const [first] = manifests.values();
    if (first === undefined) return undefined;
    labels = await readLabels(source, first);
  } catch {
    // Anything may be stored here; what cannot be read as an image is no package.
    return undefined;
  }
  if (labels[imageLabels.programs] === undefined) return undefined;
  return {
    architectures: [...manifests.keys()].filter((name) => name !== '*'),
    sizeBytes: await layerBytes(source, [...manifests.values()]),
    ...describe(labels, labels[imageLabels.schema] === undefined ? await derived(source, digest) : undefined),
  };
}

/** What is inside the object of an image that says nothing of it, such as bpfman's own. */
async function derived(source: ContentSource, digest: string): Promise<ObjectSchema | undefined> {
  try {
    const [architecture = '*'] = (await manifestsOf(source, digest)).keys();
    return deriveSchema((await readImage(source, digest, architecture)).object);
  } catch (error) {
    // Then nothing is known of it, and whoever deploys it is told so.
    if (error instanceof L3afError) return undefined;
    throw error;
  }
}

/** What our own labels say, as far as they can be read. */
function describe(
  labels: Record<string, string>,
  derivedSchema: ObjectSchema | undefined,
): Omit<PackageFacts, 'architectures' | 'sizeBytes'> {
  const schema = derivedSchema ?? objectSchemaSchema.safeParse(jsonOf(labels[imageLabels.schema])).data;
  const manifest = manifestSchema.safeParse(jsonOf(labels[imageLabels.manifest])).data;
  const license = manifest?.license ?? schema?.license;
  const sourceDigest = labels[imageLabels.sourceDigest];
  const isSmall = schema && JSON.stringify(schema).length <= schemaBytesMax;
  return {
    ...(isSmall && { schema }),
    ...(manifest?.description !== undefined && { description: manifest.description }),
    ...(license !== undefined && { license }),
    ...(sourceDigest !== undefined && { sourceDigest }),
  };
}

async function layerBytes(source: ContentSource, manifests: string[]): Promise<number> {
  let total = 0;
  for (const digest of manifests) {
    const { bytes } = await source.manifest(digest);
    for (const { size } of parseDocument(imageManifestSchema, bytes, digest).layers) total += size;
  }
  return total;
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}
