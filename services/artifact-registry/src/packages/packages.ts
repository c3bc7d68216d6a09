import { cannot, L3afError } from '@l3af/contracts';
import type { PackageEvent } from '@l3af/contracts';
import { sizeLimits } from '@l3af/oci';
import type { ContentStore } from '../content/content-store';
import { DistributionError } from '../distribution-error';
import type { AnyManifest } from '../repository/manifest-document';
import { manifestOf } from '../repository/manifest-document';
import type { Manifests } from '../repository/manifests';
import type { Tags } from '../repository/tags';
import { Documents, isConflict } from '../state/documents';
import type { RegistryState } from '../state/state';
import { readPackageFacts, repositorySource } from './kf-package';
import { checkVersion, signatureKey, verificationKey } from './package-stream';
import type { PackageStream } from './package-stream';
import { bundleKeyId, isSignatureBundle, isToolTag, signedDigestOf, tagKeyIds } from './signature-key-ids';
import { isVerifiedBundle, readVerifiedBundle } from './verified-statement';

/** The one tag of a package that may move; it is no version and makes no event. */
export const movingTag = 'latest';
/** Why a version is yanked whose tag was deleted; pushed again, it is back. A yank by a person stays. */
const deletedReason = 'deleted from the registry';
const attemptsMax = 5;

export interface TagRequest {
  tag: string;
  digest: string;
  ifMatch?: string | undefined;
  ifNoneMatch?: string | undefined;
}

interface PackageParts {
  state: RegistryState;
  tags: Tags;
  manifests: Manifests;
  content: ContentStore;
  stream: PackageStream;
}

interface Announcement {
  repository: string;
  tag?: string;
  /** Of a referrer that is to be announced. */
  digest?: string;
}

/**
 * Tags and what follows from them: versions of KF packages do not change, and become events. An announcement
 * is noted before the tag is set and struck out after its event is stored, so that a crash in between loses none.
 */
export class Packages {
  private readonly outbox: Documents<Announcement>;

  constructor(private readonly parts: PackageParts) {
    this.outbox = new Documents(parts.state.records, 'outbox/');
  }

  /** Points a tag at a manifest of the repository and tells the world when that is news. */
  async tag(repository: string, request: TagRequest): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.tagOnce(repository, request);
      } catch (error) {
        if (!isConflict(error) || attempt === attemptsMax) throw error;
      }
    }
  }

  private async tagOnce(repository: string, request: TagRequest): Promise<void> {
    const { tag, digest } = request;
    const { tags, stream } = this.parts;
    const isVersion = tag !== movingTag && !isToolTag(tag);
    const isPackage = isVersion && (await this.isPackage(repository, digest));
    const before = await tags.get(repository, tag);
    const fixed =
      isVersion && before !== undefined && before !== digest && (await this.isPackage(repository, before));
    if (isPackage) checkVersion(await stream.load(repository), { name: repository, version: tag, digest });
    const news = isPackage || signedDigestOf(tag) !== undefined;
    const note = `${repository}/${tag}`;
    if (news) await this.outbox.change(note, (found) => found ?? { repository, tag });
    await tags.set(repository, tag, {
      digest,
      check: (current) => {
        checkCondition(current, request);
        if (current === digest) return;
        if (current !== before)
          throw new L3afError('conflict', cannot('set', 'tag', tag, 'it has changed meanwhile'));
        if (fixed) throw versionExists(repository, tag, before);
      },
    });
    if (news) await this.announce(note, { repository, tag });
  }

  /** A manifest with a subject was put. */
  async attached(
    repository: string,
    { digest, manifest }: { digest: string; manifest: AnyManifest },
  ): Promise<void> {
    if (!isSignatureBundle(manifest) && !isVerifiedBundle(manifest)) return;
    const note = `${repository}/${digest}`;
    await this.outbox.change(note, (found) => found ?? { repository, digest });
    await this.announce(note, { repository, digest });
  }

  /** Versions that are gone are yanked: nobody can deploy them any more. */
  async untagged(repository: string, { digest, tags }: { digest: string; tags: string[] }): Promise<void> {
    const versions = tags.filter((tag) => tag !== movingTag && !isToolTag(tag));
    if (versions.length === 0 || !(await this.isPackage(repository, digest))) return;
    for (const version of versions)
      await this.yankVersion(repository, { version, reason: deletedReason, actor: undefined });
  }

  /** Marks a version as not to be deployed any more; throws `unknown-version` when it is not published. */
  async yank(
    name: string,
    request: { version: string; reason: string; actor: string },
  ): Promise<{ sequence: number }> {
    const state = await this.parts.stream.load(name);
    if (state.published.size === 0)
      throw new L3afError('unknown-package', cannot('yank', 'package', name, 'it is not published'));
    if (!state.published.has(request.version))
      throw new L3afError(
        'unknown-version',
        cannot('yank', 'package', `${name}@${request.version}`, 'it is not published'),
      );
    return this.yankVersion(name, request);
  }

  /** Announces what a crash or an outage left unannounced. */
  async settle(): Promise<void> {
    for (const note of await this.outbox.keys()) {
      const found = await this.outbox.get(note);
      if (found) await this.announce(note, found.value);
    }
  }

  private async yankVersion(
    name: string,
    { version, reason, actor }: { version: string; reason: string; actor: string | undefined },
  ): Promise<{ sequence: number }> {
    return this.parts.stream.decide(
      name,
      ({ published, yanked }) => {
        const digest = published.get(version);
        if (digest === undefined || yanked.has(version)) return [];
        return [
          { type: 'PackageYanked', version: 1, data: { name, digest, packageVersion: version, reason } },
        ];
      },
      actor,
    );
  }

  private async isPackage(repository: string, digest: string): Promise<boolean> {
    return (await readPackageFacts(repositorySource(repository, this.parts), digest)) !== undefined;
  }

  private async announce(note: string, { repository, tag, digest }: Announcement): Promise<void> {
    if (tag !== undefined) await this.announceTag(repository, tag);
    if (digest !== undefined) await this.announceBundle(repository, digest);
    await this.outbox.remove(note);
  }

  private async announceTag(repository: string, tag: string): Promise<void> {
    const digest = await this.parts.tags.get(repository, tag);
    if (digest === undefined) return;
    const signed = signedDigestOf(tag);
    if (signed !== undefined) return this.announceSignatures(repository, signed, digest);
    const facts = await readPackageFacts(repositorySource(repository, this.parts), digest);
    if (!facts) return;
    await this.parts.stream.decide(repository, (state) => {
      const isDeleted = state.yanked.get(tag) === deletedReason;
      if (state.published.get(tag) === digest && !isDeleted) return [];
      const data = { name: repository, packageVersion: tag, digest, ...facts };
      return [{ type: 'PackagePublished', version: 1, data }];
    });
  }

  private async announceSignatures(
    repository: string,
    subject: string,
    manifestDigest: string,
  ): Promise<void> {
    const found = await this.parts.manifests.get(repository, manifestDigest);
    if (!found) return;
    await this.signed(repository, {
      digest: subject,
      keyIds: tagKeyIds(manifestOf(found.bytes)),
      form: 'tag',
    });
  }

  private async announceBundle(repository: string, referrer: string): Promise<void> {
    const { manifests, content } = this.parts;
    const found = await manifests.get(repository, referrer);
    const manifest = found && manifestOf(found.bytes);
    const [layer] = manifest?.layers ?? [];
    if (!manifest?.subject || !layer || layer.size > sizeLimits.signature) return;
    const bundle = await content.get(layer.digest);
    if (!bundle) return;
    const { digest } = manifest.subject;
    if (isVerifiedBundle(manifest)) return this.verified(repository, digest, bundle);
    await this.signed(repository, {
      digest,
      keyIds: [bundleKeyId(bundle)],
      form: 'bundle',
    });
  }

  private async verified(name: string, digest: string, bundle: Uint8Array): Promise<void> {
    const facts = readVerifiedBundle(bundle, digest);
    if (!facts || !(await this.isPackage(name, digest))) return;
    const data = { name, digest, ...facts };
    await this.parts.stream.decide(name, ({ verified }) =>
      verified.get(verificationKey(data)) === JSON.stringify(data)
        ? []
        : [{ type: 'PackageVerified', version: 1, data }],
    );
  }

  private async signed(
    name: string,
    { digest, keyIds, form }: { digest: string; keyIds: string[]; form: 'tag' | 'bundle' },
  ): Promise<void> {
    if (!(await this.isPackage(name, digest))) return;
    await this.parts.stream.decide(name, ({ signed }) => {
      const news = [...new Set(keyIds)].filter((keyId) => !signed.has(signatureKey(digest, keyId, form)));
      return news.map((keyId): PackageEvent => ({
        type: 'PackageSigned',
        version: 1,
        data: { name, digest, keyId, form },
      }));
    });
  }
}

const versionExists = (repository: string, tag: string, published: string): L3afError =>
  new L3afError(
    'version-exists',
    cannot(
      'publish',
      'package',
      `${repository}@${tag}`,
      `it is published as ${published} and does not change`,
    ),
  );

/** `If-Match` and `If-None-Match` of a PUT, against the tag as it is at the moment of the change. */
function checkCondition(current: string | undefined, { ifMatch, ifNoneMatch }: TagRequest): void {
  const matches = (header: string): boolean =>
    current !== undefined &&
    (header === '*' || header.split(',').some((one) => one.trim() === `"${current}"`));
  if ((ifMatch !== undefined && !matches(ifMatch)) || (ifNoneMatch !== undefined && matches(ifNoneMatch)))
    throw new DistributionError('PRECONDITION_FAILED', `the tag is ${current ?? 'not set'}`);
}
