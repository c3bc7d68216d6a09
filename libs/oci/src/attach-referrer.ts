import { L3afError } from '@l3af/contracts';
import { z } from 'zod';
import { blobOf, descriptorOf } from './build-image';
import type { Blob } from './build-image';
import { descriptorSchema, documentBytes, imageIndexSchema, parseDocument } from './documents';
import type { Descriptor } from './documents';
import { mediaTypes } from './media-types';
import { fallbackTag } from './registry-client';
import type { RegistryClient } from './registry-client';

export interface Attachment {
  /** Of the artifact and of its one layer. */
  artifactType: string;
  bytes: Uint8Array;
  annotations?: Record<string, string>;
}

/** An image or an index that says what it is about. */
const referrerSchema = z.looseObject({
  subject: descriptorSchema,
  artifactType: z.string().optional(),
  config: descriptorSchema.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/**
 * Attaches content to a manifest as an OCI referrer: signatures, statements, provenance. Attaching the same
 * content again changes nothing, since equal content has an equal digest.
 */
// eslint-disable-next-line max-params -- reads as a sentence: at this registry, to this package's digest, attach this
export async function attachReferrer(
  client: RegistryClient,
  name: string,
  subjectDigest: string,
  attachment: Attachment,
): Promise<Descriptor> {
  const { artifactType, bytes, annotations } = attachment;
  const subject = await client.resolve(name, subjectDigest);
  const empty = blobOf(mediaTypes.empty, Buffer.from('{}'));
  const layer = blobOf(artifactType, bytes);
  const manifest = blobOf(
    mediaTypes.manifest,
    documentBytes({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType,
      config: descriptorOf(empty),
      layers: [descriptorOf(layer)],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.sizeBytes },
      ...(annotations && { annotations }),
    }),
  );
  await client.putBlob(name, empty.bytes);
  await client.putBlob(name, layer.bytes);
  return putReferrer(client, name, manifest);
}

/**
 * Puts a manifest that has a subject, whose blobs are there, by its digest. Where the registry has no referrers
 * API, it is listed under the subject's fallback tag, too.
 */
export async function putReferrer(client: RegistryClient, name: string, manifest: Blob): Promise<Descriptor> {
  const said = parseDocument(referrerSchema, manifest.bytes, manifest.digest);
  const artifactType = said.artifactType ?? said.config?.mediaType;
  const descriptor: Descriptor = {
    ...descriptorOf(manifest),
    ...(artifactType !== undefined && { artifactType }),
    ...(said.annotations && { annotations: said.annotations }),
  };
  const { subjectIndexed } = await client.putManifest(name, manifest.digest, manifest);
  if (!subjectIndexed) await addToFallback(client, { name, digest: said.subject.digest }, descriptor);
  return descriptor;
}

async function addToFallback(
  client: RegistryClient,
  { name, digest }: { name: string; digest: string },
  descriptor: Descriptor,
) {
  const tag = fallbackTag(digest);
  let manifests: Descriptor[] = [];
  try {
    manifests = parseDocument(imageIndexSchema, (await client.getManifest(name, tag)).bytes, tag).manifests;
  } catch (error) {
    if (!(error instanceof L3afError && error.code === 'unknown-version')) throw error;
  }
  if (manifests.some((one) => one.digest === descriptor.digest)) return;
  const bytes = documentBytes({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [...manifests, descriptor],
  });
  await client.putManifest(name, tag, { bytes, mediaType: mediaTypes.index });
}
