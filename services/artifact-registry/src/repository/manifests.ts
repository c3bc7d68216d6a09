import type { Descriptor } from '@l3af/oci';
import type { ContentStore } from '../content/content-store';
import { digestIs, hashFor } from '../content/digest';
import { DistributionError } from '../distribution-error';
import { Documents } from '../state/documents';
import type { RegistryState } from '../state/state';
import type { Links } from './links';
import { artifactTypeOf, manifestOf, parseManifest, referencesOf } from './manifest-document';
import type { AnyManifest } from './manifest-document';
import type { Referrers } from './referrers';

export interface ManifestDocument {
  mediaType: string;
  size: number;
  subject?: string;
  /** What it needs in its repository, for garbage collection. */
  blobs: string[];
}

export interface ManifestInput {
  digest: string;
  bytes: Uint8Array;
  contentType: string | undefined;
}

export interface StoredManifest {
  digest: string;
  mediaType: string;
  bytes: Buffer;
}

/** The manifests of repositories, by digest. */
export class Manifests {
  readonly documents: Documents<ManifestDocument>;

  constructor(
    state: RegistryState,
    private readonly content: ContentStore,
    private readonly parts: { links: Links; referrers: Referrers },
  ) {
    this.documents = new Documents(state.records, 'manifest/');
  }

  async head(repository: string, digest: string): Promise<ManifestDocument | undefined> {
    return (await this.documents.get(`${repository}/${digest}`))?.value;
  }

  async get(repository: string, digest: string): Promise<StoredManifest | undefined> {
    const [document, bytes] = await Promise.all([this.head(repository, digest), this.content.get(digest)]);
    return document && bytes && { digest, mediaType: document.mediaType, bytes };
  }

  /**
   * Stores a manifest whose blobs and manifests the repository has; it is visible, by digest, only once
   * everything about it is stored. The same again changes nothing.
   */
  async put(repository: string, input: ManifestInput): Promise<AnyManifest> {
    const { digest, bytes, contentType } = input;
    if (!digestIs(hashFor(digest).update(bytes), digest))
      throw new DistributionError('DIGEST_INVALID', `the manifest is not ${digest}`);
    const manifest = parseManifest(bytes, contentType);
    await this.holdReferences(repository, manifest);
    await this.content.put(digest, bytes);
    const subject = manifest.subject?.digest;
    if (subject !== undefined) {
      const artifactType = artifactTypeOf(manifest);
      const referrer = { digest, ...(artifactType !== undefined && { artifactType }) };
      await this.parts.referrers.add(repository, subject, referrer);
    }
    const isNew = await this.documents.createIfMissing(`${repository}/${digest}`, {
      mediaType: manifest.mediaType,
      size: bytes.length,
      blobs: referencesOf(manifest).blobs.map((one) => one.digest),
      ...(subject !== undefined && { subject }),
    });
    if (isNew) await this.confirm(repository, digest, manifest);
    return manifest;
  }

  async remove(repository: string, digest: string): Promise<void> {
    const document = await this.head(repository, digest);
    if (!document) throw new DistributionError('MANIFEST_UNKNOWN', `${repository} has no manifest ${digest}`);
    await this.documents.remove(`${repository}/${digest}`);
    if (document.subject !== undefined)
      await this.parts.referrers.remove(repository, document.subject, digest);
  }

  /** The descriptors of what refers to a digest, those from `offset` on, at most `limit`. */
  async referrers(
    repository: string,
    subject: string,
    page: { artifactType?: string | undefined; after?: string | undefined; limit: number },
  ): Promise<{ descriptors: Descriptor[]; next?: string }> {
    const { artifactType, after = '', limit } = page;
    const all = await this.parts.referrers.list(repository, subject);
    const wanted = all.filter(
      (one) => one.digest > after && (artifactType === undefined || one.artifactType === artifactType),
    );
    const shown = wanted.slice(0, limit);
    const found = await Promise.all(shown.map(({ digest }) => this.get(repository, digest)));
    const descriptors = found.flatMap((one) => (one ? [referrerDescriptor(one)] : []));
    const last = shown.at(-1)?.digest;
    return { descriptors, ...(wanted.length > limit && last !== undefined && { next: last }) };
  }

  /** Now that the manifest protects what it needs: is it all still there? Else it is taken back. */
  private async confirm(repository: string, digest: string, manifest: AnyManifest): Promise<void> {
    try {
      await this.holdReferences(repository, manifest);
      if (!(await this.content.touch(digest)))
        throw new DistributionError('MANIFEST_BLOB_UNKNOWN', `${digest} has vanished, push it again`);
    } catch (error) {
      await this.remove(repository, digest);
      throw error;
    }
  }

  private async holdReferences(repository: string, manifest: AnyManifest): Promise<void> {
    const { blobs, manifests } = referencesOf(manifest);
    const held = await Promise.all([
      ...blobs.map(async ({ digest }) => ({
        digest,
        there: await this.parts.links.touch(repository, digest),
      })),
      ...manifests.map(async ({ digest }) => ({ digest, there: !!(await this.head(repository, digest)) })),
    ]);
    const missing = held.filter(({ there }) => !there).map(({ digest }) => digest);
    if (missing.length > 0)
      throw new DistributionError(
        'MANIFEST_BLOB_UNKNOWN',
        `${repository} lacks ${missing.join(', ')}`,
        missing,
      );
  }
}

function referrerDescriptor({ digest, mediaType, bytes }: StoredManifest): Descriptor {
  const manifest = manifestOf(bytes);
  const artifactType = artifactTypeOf(manifest);
  return {
    mediaType,
    digest,
    size: bytes.length,
    ...(artifactType !== undefined && { artifactType }),
    ...(manifest.annotations && { annotations: manifest.annotations }),
  };
}
