import type { Bus } from '@l3af/event-store';
import { ContentStore } from './content/content-store';
import { UploadSessions } from './content/upload-sessions';
import { PackageStream } from './packages/package-stream';
import { Packages } from './packages/packages';
import { Quota } from './quota';
import { KnownRepositories } from './repository/known-repositories';
import { Links } from './repository/links';
import type { AnyManifest } from './repository/manifest-document';
import { type ManifestInput, Manifests } from './repository/manifests';
import { Referrers } from './repository/referrers';
import { Tags } from './repository/tags';
import type { RegistryState } from './state/state';

export interface RegistryLimits {
  blobBytesMax: number;
  /** 0: none. */
  repositoryBytesMax: number;
  /** Under way at once; 0: any. */
  uploadsMax: number;
}

/** Everything a registry process serves from. It keeps nothing that another process would miss. */
export interface Registry {
  state: RegistryState;
  content: ContentStore;
  uploads: UploadSessions;
  links: Links;
  manifests: Manifests;
  tags: Tags;
  packages: Packages;
  quota: Quota;
  limits: RegistryLimits;
  /** Gives a repository a blob whose content is here, if its quota has room for it. */
  link(repository: string, digest: string, size: number): Promise<void>;
  /** Whether a repository has any blob or manifest; looks through all there are. */
  knows(repository: string): Promise<boolean>;
  /** Gives a repository a manifest, if its quota has room for it. */
  putManifest(repository: string, input: ManifestInput): Promise<AnyManifest>;
}

export function openRegistry(state: RegistryState, bus: Bus, limits: RegistryLimits): Registry {
  const content = new ContentStore(state);
  const links = new Links(state, content);
  const tags = new Tags(state);
  const manifests = new Manifests(state, content, { links, referrers: new Referrers(state) });
  const stream = new PackageStream(bus, 'artifact-registry');
  const known = new KnownRepositories(async () => [
    ...(await manifests.documents.keys()),
    ...(await links.documents.keys()),
  ]);
  const countsBytes = limits.repositoryBytesMax > 0;
  const uploads = new UploadSessions(state, content, { ...limits, countsBytes });
  const quota = new Quota({ links, manifests, uploads: uploads.open }, limits.repositoryBytesMax);
  return {
    state,
    content,
    links,
    tags,
    manifests,
    uploads,
    packages: new Packages({ state, tags, manifests, content, stream }),
    quota,
    limits,
    link: async (repository, digest, size) => {
      if (await links.touch(repository, digest)) return;
      await quota.check(repository, size);
      await links.add(repository, digest, size);
      quota.add(repository, size);
    },
    knows: (repository) => known.has(repository),
    putManifest: async (repository, input) => {
      const isThere = await manifests.head(repository, input.digest);
      if (isThere) return manifests.put(repository, input);
      await quota.check(repository, input.bytes.length);
      const manifest = await manifests.put(repository, input);
      quota.add(repository, input.bytes.length);
      return manifest;
    },
  };
}
