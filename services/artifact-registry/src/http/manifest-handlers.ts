import { createHash } from 'node:crypto';
import { mediaTypes, sizeLimits } from '@l3af/oci';
import { DistributionError } from '../distribution-error';
import type { Registry } from '../registry';
import type { Exchange } from './exchange';
import { tagOf } from './route';

interface ManifestRoute {
  repository: string;
  reference: string;
  isDigest: boolean;
}

const tagsPerPutMax = 100;

/** HEAD, GET, PUT and DELETE of a manifest by tag or digest. */
export async function handleManifest(
  registry: Registry,
  route: ManifestRoute,
  exchange: Exchange,
): Promise<void> {
  switch (exchange.method) {
    case 'HEAD':
    case 'GET':
      return sendManifest(registry, route, exchange);
    case 'PUT':
      return putManifest(registry, route, exchange);
    case 'DELETE':
      await deleteManifest(registry, route);
      return exchange.send(202);
    default:
      throw new DistributionError('UNSUPPORTED', `${exchange.method} is not for manifests`);
  }
}

const unknown = ({ repository, reference }: ManifestRoute): DistributionError =>
  new DistributionError('MANIFEST_UNKNOWN', `${repository} has no manifest ${reference}`);

async function sendManifest(registry: Registry, route: ManifestRoute, exchange: Exchange): Promise<void> {
  const { repository, reference } = route;
  const digest = route.isDigest ? reference : await registry.tags.get(repository, reference);
  const found = digest === undefined ? undefined : await registry.manifests.get(repository, digest);
  if (!found) throw unknown(route);
  const headers = {
    'content-type': found.mediaType,
    'docker-content-digest': found.digest,
    etag: `"${found.digest}"`,
    'content-length': String(found.bytes.length),
  };
  if (exchange.method === 'HEAD') return exchange.send(200, headers);
  if (exchange.header('if-none-match') === headers.etag)
    return exchange.send(304, { ...headers, 'content-length': '0' });
  exchange.send(200, headers, found.bytes);
}

async function putManifest(registry: Registry, route: ManifestRoute, exchange: Exchange): Promise<void> {
  const { repository, reference } = route;
  const tags = (route.isDigest ? exchange.queryAll('tag') : [reference]).map(tagOf);
  if (tags.length > tagsPerPutMax)
    throw new DistributionError('TAG_INVALID', `at most ${tagsPerPutMax} tags at once`);
  const bytes = await exchange.read(sizeLimits.manifest);
  const digest = route.isDigest ? reference : `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const contentType = exchange.header('content-type')?.split(';')[0]?.trim();
  const manifest = await registry.putManifest(repository, { digest, bytes, contentType });
  const condition = { ifMatch: exchange.header('if-match'), ifNoneMatch: exchange.header('if-none-match') };
  for (const tag of tags) await registry.packages.tag(repository, { tag, digest, ...condition });
  if (manifest.subject) await registry.packages.attached(repository, { digest, manifest });
  exchange.send(201, {
    location: `/v2/${repository}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(manifest.subject && { 'oci-subject': manifest.subject.digest }),
    ...(route.isDigest && tags.length > 0 && { 'oci-tag': tags.join(', ') }),
  });
}

async function deleteManifest(registry: Registry, route: ManifestRoute): Promise<void> {
  const { repository, reference } = route;
  if (!route.isDigest) {
    const digest = await registry.tags.get(repository, reference);
    if (digest === undefined || !(await registry.tags.remove(repository, reference))) throw unknown(route);
    await registry.packages.untagged(repository, { digest, tags: [reference] });
    return;
  }
  // Tags first: a tag must never point at nothing.
  if (!(await registry.manifests.head(repository, reference))) throw unknown(route);
  const tags = await registry.tags.removeTarget(repository, reference);
  await registry.packages.untagged(repository, { digest: reference, tags });
  await registry.manifests.remove(repository, reference);
}

const referrersPerPage = 100;

/** The referrers of a digest, a page at a time. */
export async function handleReferrers(
  registry: Registry,
  { repository, digest }: { repository: string; digest: string },
  exchange: Exchange,
): Promise<void> {
  if (exchange.method !== 'GET') throw new DistributionError('UNSUPPORTED', 'referrers are read with GET');
  const artifactType = exchange.query('artifactType');
  const page = { artifactType, after: exchange.query('after'), limit: referrersPerPage };
  const { descriptors, next } = await registry.manifests.referrers(repository, digest, page);
  const filter = artifactType === undefined ? '' : `artifactType=${encodeURIComponent(artifactType)}&`;
  exchange.json(
    200,
    { schemaVersion: 2, mediaType: mediaTypes.index, manifests: descriptors },
    {
      'content-type': mediaTypes.index,
      ...(artifactType !== undefined && { 'oci-filters-applied': 'artifactType' }),
      ...(next !== undefined && {
        link: `</v2/${repository}/referrers/${digest}?${filter}after=${next}>; rel="next"`,
      }),
    },
  );
}
