import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attachmentTypes, imageLabels } from '@l3af/contracts';
import { imageManifestSchema, manifestsOf, parseDocument, readImage } from '@l3af/oci';
import { stringify } from 'yaml';
import type { Registry } from '../api/registry-address';
import { copyLayout } from './copy-layout';
import { layoutSource, readIndex, unpackLayout } from './oci-layout';
import type { ResolvedPackage } from './resolve-package';

/** Fetches a version with all that is attached into a folder; the names of the files that people look for. */
export async function pullPackage(
  registry: Registry,
  found: ResolvedPackage,
  folder: string,
): Promise<string[]> {
  const { name, version, digest } = found;
  const archive = await registry.export(name, version);
  if (archive) await unpackLayout(archive, folder);
  else await copyLayout(registry.client, found, folder);
  const index = await readIndex(folder);
  const source = layoutSource(folder, index);
  const files = new Map<string, Uint8Array | string>();
  const base = name.split('/').pop()!;
  for (const architecture of (await manifestsOf(source, digest)).keys()) {
    const { object, labels } = await readImage(source, digest, architecture);
    files.set(architecture === '*' ? `${base}.o` : `${base}.${architecture}.o`, object);
    const manifest = labels[imageLabels.manifest];
    if (manifest !== undefined) files.set('kf.yaml', stringify(JSON.parse(manifest), { lineWidth: 0 }));
  }
  for (const { digest: listed } of index.manifests) {
    const { bytes } = await source.manifest(listed);
    const attached = imageManifestSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data;
    if (attached?.artifactType !== attachmentTypes.readme) continue;
    const [layer] = parseDocument(imageManifestSchema, bytes, listed).layers;
    if (layer) files.set('README.md', await source.blob(layer.digest, layer.size));
  }
  for (const [file, content] of files) await writeFile(join(folder, file), content);
  return [...files.keys(), 'index.json'];
}
