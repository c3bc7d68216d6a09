import { attachmentTypes, imageLabels, manifestSchema, type PackageDetails } from '@l3af/contracts';
import {
  imageManifestSchema,
  manifestsOf,
  parseDocument,
  readLabels,
  type Descriptor,
  type RegistryClient,
} from '@l3af/oci';

/** What only the registry has of a version. */
export type Attached = Pick<PackageDetails, 'manifest' | 'readme' | 'statements' | 'needs' | 'attachments'>;

export const nothingAttached: Attached = {
  manifest: null,
  readme: null,
  statements: [],
  needs: null,
  attachments: [],
};

const readmeBytesMax = 256 * 1024;
/** Reads an image's manifest label and everything that refers to it. What cannot be read is left out. */
export async function readAttached(client: RegistryClient, name: string, digest: string): Promise<Attached> {
  const [manifest, referrers] = await Promise.all([
    readManifest(client, name, digest),
    client.referrers(name, digest),
  ]);
  const readme = referrers.find(({ artifactType }) => artifactType === attachmentTypes.readme);
  return {
    manifest,
    readme: readme ? await readReadme({ client, name, descriptor: readme }) : null,
    statements: [],
    needs: null,
    attachments: referrers.map(attachment),
  };
}

function attachment({ digest, artifactType, mediaType, annotations }: Descriptor) {
  const title = annotations?.['org.opencontainers.image.title'];
  const predicate = annotations?.['dev.sigstore.bundle.predicateType'];
  const named = title ?? predicate;
  return { artifactType: artifactType ?? mediaType, digest, ...(named !== undefined && { title: named }) };
}

async function readManifest(client: RegistryClient, name: string, digest: string) {
  const source = client.source(name);
  const [first] = (await manifestsOf(source, digest)).values();
  const label = first && (await readLabels(source, first))[imageLabels.manifest];
  return label === undefined ? null : (manifestSchema.loose().safeParse(parseJson(label)).data ?? null);
}

interface Referrer {
  client: RegistryClient;
  name: string;
  descriptor: Descriptor;
}

/** The one layer of a referrer; undefined when it is larger than anything of its kind. */
async function layerOf({ client, name, descriptor }: Referrer, bytesMax: number) {
  const { digest } = descriptor;
  const { bytes } = await client.getManifest(name, digest);
  const [layer] = parseDocument(imageManifestSchema, bytes, digest).layers;
  return layer && layer.size <= bytesMax ? client.getBlob(name, layer.digest, bytesMax) : undefined;
}

async function readReadme(referrer: Referrer): Promise<string | null> {
  const bytes = await layerOf(referrer, readmeBytesMax);
  return bytes ? Buffer.from(bytes).toString('utf8') : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
