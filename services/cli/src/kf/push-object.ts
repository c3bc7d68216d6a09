import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { deriveSchema } from '@l3af/bpf-object';
import { L3afError, cannot, packageNameSchema } from '@l3af/contracts';
import { buildImage, digestOf } from '@l3af/oci';
import type { Registry } from '../api/registry-address';
import type { ResolvedPackage } from './resolve-package';

const bigEndian = 2;

/** Pushes a compiled object as a package, named and numbered as `kf publish` would. */
export async function pushObject(
  { client }: Registry,
  path: string,
  naming: { name?: string; version?: string },
): Promise<ResolvedPackage> {
  const bytes = await readFile(path);
  const schema = deriveSchema(bytes);
  const sourceDigest = digestOf(bytes);
  const name = naming.name ?? basename(path).replace(/(\.bpf)?\.o$/, '');
  if (!packageNameSchema.safeParse(name).success)
    throw new L3afError('invalid-request', cannot('push', 'object', path, `"${name}" is no package name`), {
      hint: 'Name it: --name NAME',
    });
  const version = naming.version ?? `0.0.0-${sourceDigest.slice('sha256:'.length, 'sha256:'.length + 12)}`;
  // BPF knows byte orders, not architectures.
  const architectures = bytes[5] === bigEndian ? ['s390x'] : ['amd64', 'arm64'];
  const image = buildImage({
    objects: architectures.map((architecture) => ({ architecture, bytes })),
    schema,
    sourceDigest,
  });
  await client.push(image, name, [version]);
  return { name, version, digest: image.digest };
}
