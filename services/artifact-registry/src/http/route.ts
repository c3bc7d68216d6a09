import { versionSchema } from '@l3af/contracts';
import { DistributionError } from '../distribution-error';
import { isDigest } from '../repository/manifest-document';

/** What a path of the distribution API names. */
export type Route =
  | { kind: 'base' }
  | { kind: 'catalog' }
  | { kind: 'uploads'; repository: string }
  | { kind: 'upload'; repository: string; id: string }
  | { kind: 'blob'; repository: string; digest: string }
  | { kind: 'manifest'; repository: string; reference: string; isDigest: boolean }
  | { kind: 'tags'; repository: string }
  | { kind: 'referrers'; repository: string; digest: string };

const nameBytesMax = 200;
const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Reads the path of a request; undefined when it is none of the distribution API's. Throws NAME_INVALID,
 * DIGEST_INVALID or TAG_INVALID. Nothing of a path is used that has not been held against a pattern here.
 */
export function parseRoute(pathname: string): Route | undefined {
  if (pathname === '/v2' || pathname === '/v2/') return { kind: 'base' };
  if (pathname === '/v2/_catalog') return { kind: 'catalog' };
  // The last such word counts: repositories may have components of these names.
  const match = /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/([^/]*)$/.exec(pathname);
  if (!match) {
    const start = /^\/v2\/(.+)\/blobs\/uploads$/.exec(pathname);
    return start ? { kind: 'uploads', repository: nameOf(start[1]!) } : undefined;
  }
  return routeOf(nameOf(match[1]!), match[2]!, decode(match[3]!));
}

function routeOf(repository: string, word: string, last: string): Route | undefined {
  switch (word) {
    case 'blobs/uploads':
      if (last === '') return { kind: 'uploads', repository };
      return { kind: 'upload', repository, id: uploadIdOf(last) };
    case 'blobs':
      return { kind: 'blob', repository, digest: digestOf(last) };
    case 'manifests':
      return { kind: 'manifest', repository, ...referenceOf(last) };
    case 'referrers':
      return { kind: 'referrers', repository, digest: digestOf(last) };
    default:
      return last === 'list' ? { kind: 'tags', repository } : undefined;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Throws NAME_INVALID unless the text may be the name of a repository. */
export function nameOf(text: string): string {
  if (text.length <= nameBytesMax && namePattern.test(text)) return text;
  throw new DistributionError(
    'NAME_INVALID',
    `${JSON.stringify(text.slice(0, nameBytesMax))} is no repository name`,
  );
}

export function digestOf(text: string): string {
  if (isDigest(text)) return text;
  throw new DistributionError(
    'DIGEST_INVALID',
    `${JSON.stringify(text.slice(0, 200))} is no sha256 or sha512 digest`,
  );
}

export function tagOf(text: string): string {
  if (versionSchema.safeParse(text).success) return text;
  throw new DistributionError('TAG_INVALID', `${JSON.stringify(text.slice(0, 200))} is no tag`);
}

const referenceOf = (text: string) =>
  text.includes(':')
    ? { reference: digestOf(text), isDigest: true }
    : { reference: tagOf(text), isDigest: false };

function uploadIdOf(text: string): string {
  if (idPattern.test(text)) return text;
  throw new DistributionError('BLOB_UPLOAD_UNKNOWN', 'there is no such upload');
}
