import { cannot, L3afError } from '@l3af/contracts';
import { readBounded } from './body';
import type { Blob, ImageFiles } from './build-image';
import { checkDigest, digestOf } from './digest';
import { imageIndexSchema, parseDocument } from './documents';
import type { Descriptor } from './documents';
import { RegistryHttp } from './http';
import type { Credentials } from './http';
import { manifestAccept, mediaTypes, sizeLimits } from './media-types';
import { readImage } from './read-image';
import type { ContentSource, PulledObject } from './read-image';

export interface ClientOptions {
  credentials?: Credentials;
  /** For one request, its body included. Default 120,000. */
  timeoutMs?: number;
  /** Ends what is being asked, with its reason. */
  signal?: AbortSignal;
}

export interface Resolved {
  digest: string;
  mediaType: string;
  sizeBytes: number;
}

export interface PutManifestOptions {
  mediaType: string;
  /** Put it only if the tag still points at this digest; `null`: only if there is no such tag. */
  replaces?: string | null;
}

/** A client of the OCI distribution API, for any registry. What it returns has been held against its digest. */
export class RegistryClient {
  private readonly http: RegistryHttp;
  /** Host and port, as they stand in image names. */
  readonly host: string;

  constructor(
    private readonly url: string,
    private readonly options: ClientOptions = {},
  ) {
    this.http = new RegistryHttp(url, {
      credentials: options.credentials,
      timeoutMs: options.timeoutMs ?? 120_000,
      signal: options.signal,
    });
    this.host = new URL(url).host;
  }

  /** A client of the same registry whose requests end when the signal does. */
  until(signal: AbortSignal): RegistryClient {
    return new RegistryClient(this.url, { ...this.options, signal });
  }

  /** Pushes the blobs, then the manifests, then the index under each tag: nothing is visible before it is whole. */
  async push(image: ImageFiles, name: string, tags: string[]): Promise<Resolved> {
    for (const blob of image.blobs) await this.putBlob(name, blob.bytes);
    for (const manifest of image.manifests) await this.putManifest(name, manifest.digest, manifest);
    for (const reference of tags.length > 0 ? tags : [image.digest])
      await this.putManifest(name, reference, image.index);
    const { mediaType, bytes, digest } = image.index;
    return { digest, mediaType, sizeBytes: bytes.length };
  }

  /** The digest behind a tag or digest; throws `unknown-version` when there is none. */
  async resolve(name: string, reference: string): Promise<Resolved> {
    const response = await this.http.send(`/v2/${name}/manifests/${reference}`, {
      method: 'HEAD',
      headers: { accept: manifestAccept },
      expect: [200],
      missing: 'unknown-version',
    });
    const mediaType = response.headers.get('content-type') ?? '';
    const digest = response.headers.get('docker-content-digest');
    if (digest !== null)
      return { digest, mediaType, sizeBytes: Number(response.headers.get('content-length') ?? 0) };
    const manifest = await this.getManifest(name, reference);
    return { digest: digestOf(manifest.bytes), mediaType, sizeBytes: manifest.bytes.length };
  }

  /** Pulls one architecture of a package by digest. */
  async pullObject(name: string, digest: string, architecture: string): Promise<PulledObject> {
    return readImage(this.source(name), digest, architecture);
  }

  /** The repository as a {@link ContentSource}. */
  source(name: string): ContentSource {
    return {
      manifest: (digest) => this.getManifest(name, digest),
      blob: (digest, bytesMax) => this.getBlob(name, digest, bytesMax),
    };
  }

  async getManifest(name: string, reference: string): Promise<Blob> {
    const response = await this.http.send(`/v2/${name}/manifests/${reference}`, {
      headers: { accept: manifestAccept },
      expect: [200],
      missing: 'unknown-version',
    });
    const bytes = await readBounded(response, sizeLimits.manifest);
    if (reference.includes(':')) checkDigest(bytes, reference);
    const mediaType = (response.headers.get('content-type') ?? '').split(';')[0]!.trim();
    return { bytes, mediaType, digest: reference.includes(':') ? reference : digestOf(bytes) };
  }

  async getBlob(name: string, digest: string, bytesMax: number): Promise<Uint8Array> {
    const response = await this.http.send(`/v2/${name}/blobs/${digest}`, {
      expect: [200],
      missing: 'invalid-image',
    });
    const bytes = await readBounded(response, bytesMax);
    checkDigest(bytes, digest);
    return bytes;
  }

  /** A blob as it comes, not held against its digest: whoever reads it does that at the end. */
  async streamBlob(name: string, digest: string): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.http.send(`/v2/${name}/blobs/${digest}`, {
      expect: [200],
      missing: 'invalid-image',
    });
    return response.body ?? emptyBody();
  }

  async hasBlob(name: string, digest: string): Promise<boolean> {
    const response = await this.http.send(`/v2/${name}/blobs/${digest}`, {
      method: 'HEAD',
      expect: [200, 404],
    });
    return response.status === 200;
  }

  /** Uploads a blob unless the repository has it; the registry holds it against its digest (default: by sha256). */
  async putBlob(name: string, bytes: Uint8Array, digest = digestOf(bytes)): Promise<Descriptor> {
    const descriptor = { mediaType: 'application/octet-stream', digest, size: bytes.length };
    if (await this.hasBlob(name, digest)) return descriptor;
    const started = await this.http.send(`/v2/${name}/blobs/uploads/`, { method: 'POST', expect: [202] });
    await started.body?.cancel();
    const location = started.headers.get('location');
    if (location === null)
      throw new L3afError('registry-unavailable', cannot('upload', 'blob', digest, 'no upload location'));
    const url = new URL(location, this.http.base);
    url.searchParams.set('digest', digest);
    const done = await this.http.send(url.href, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes,
      expect: [201],
    });
    await done.body?.cancel();
    return descriptor;
  }

  /** Puts a manifest under a tag or its digest; returns whether the registry has indexed its `subject`. */
  async putManifest(
    name: string,
    reference: string,
    manifest: { bytes: Uint8Array } & PutManifestOptions,
  ): Promise<{ subjectIndexed: boolean }> {
    const { replaces } = manifest;
    const response = await this.http.send(`/v2/${name}/manifests/${reference}`, {
      method: 'PUT',
      headers: {
        'content-type': manifest.mediaType,
        ...(replaces === null && { 'if-none-match': '*' }),
        ...(typeof replaces === 'string' && { 'if-match': `"${replaces}"` }),
      },
      body: manifest.bytes,
      expect: [201],
    });
    await response.body?.cancel();
    return { subjectIndexed: response.headers.has('oci-subject') };
  }

  async deleteManifest(name: string, reference: string): Promise<void> {
    const response = await this.http.send(`/v2/${name}/manifests/${reference}`, {
      method: 'DELETE',
      expect: [202],
      missing: 'unknown-version',
    });
    await response.body?.cancel();
  }

  /** Every tag, in order. */
  async listTags(name: string): Promise<string[]> {
    const tags: string[] = [];
    let path: string | undefined = `/v2/${name}/tags/list?n=1000`;
    while (path !== undefined) {
      const response: Response = await this.http.send(path, { expect: [200] });
      const page = JSON.parse(
        Buffer.from(await readBounded(response, sizeLimits.manifest)).toString('utf8'),
      ) as { tags?: string[] | null };
      tags.push(...(page.tags ?? []));
      path = nextPage(response, path);
    }
    return tags;
  }

  /** What refers to a manifest, from the referrers API or, where a registry has none, the fallback tag. */
  async referrers(name: string, digest: string, artifactType?: string): Promise<Descriptor[]> {
    const found: Descriptor[] = [];
    const filter = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
    let path: string | undefined = `/v2/${name}/referrers/${digest}${filter}`;
    while (path !== undefined) {
      const response: Response = await this.http.send(path, {
        headers: { accept: mediaTypes.index },
        expect: [200, 404],
      });
      const bytes =
        response.status === 200
          ? await readBounded(response, sizeLimits.manifest)
          : await this.fallbackIndex(name, digest);
      if (bytes) found.push(...parseDocument(imageIndexSchema, bytes, digest).manifests);
      path = response.status === 200 ? nextPage(response, path) : undefined;
    }
    return found.filter((one) => artifactType === undefined || one.artifactType === artifactType);
  }

  private async fallbackIndex(name: string, digest: string): Promise<Uint8Array | undefined> {
    try {
      return (await this.getManifest(name, fallbackTag(digest))).bytes;
    } catch (error) {
      if (error instanceof L3afError && error.code === 'unknown-version') return undefined;
      throw error;
    }
  }
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

/** The tag under which registries without a referrers API keep what refers to a digest. */
export function fallbackTag(digest: string): string {
  const [algorithm = '', encoded = ''] = digest.split(':');
  return `${algorithm}-${encoded.slice(0, 64)}`;
}

function nextPage(response: Response, path: string): string | undefined {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get('link') ?? '')?.[1];
  if (link === undefined) return undefined;
  const next = new URL(link, new URL(path, response.url)).href;
  return next === response.url ? undefined : next;
}
