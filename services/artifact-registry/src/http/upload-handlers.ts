import { isConflict } from '../state/documents';
import type { Session } from '../content/upload-sessions';
import { algorithmOf } from '../content/digest';
import { DistributionError } from '../distribution-error';
import type { Registry } from '../registry';
import type { Exchange } from './exchange';
import { parseChunkRange } from './ranges';
import { digestOf, nameOf } from './route';

const uploadPath = (session: Session): string =>
  `/v2/${session.document.repository}/blobs/uploads/${session.id}`;

const progress = (session: Session): Record<string, string> => ({
  location: uploadPath(session),
  range: `0-${Math.max(session.document.size - 1, 0)}`,
  'docker-upload-uuid': session.id,
});

/** POST to start an upload, to do it at once (`digest`), or to take a blob over from another repository (`mount`). */
export async function handleUploads(
  registry: Registry,
  repository: string,
  exchange: Exchange,
): Promise<void> {
  if (exchange.method !== 'POST') throw new DistributionError('UNSUPPORTED', 'uploads are started with POST');
  const mount = exchange.query('mount');
  if (
    mount !== undefined &&
    (await mounted(registry, repository, { digest: mount, from: exchange.query('from') }))
  )
    return created(repository, digestOf(mount), exchange);
  const given = exchange.query('digest');
  const digest = given === undefined ? undefined : digestOf(given);
  await registry.quota.check(repository);
  const session = await registry.uploads.start(repository, algorithmFor(digest, exchange));
  if (digest === undefined) return exchange.send(202, progress(session));
  try {
    await finish(registry, session, { digest, exchange });
  } catch (error) {
    // Nobody knows its id: nobody could go on with it.
    await registry.uploads.cancel(session.id);
    throw error;
  }
}

function algorithmFor(digest: string | undefined, exchange: Exchange): 'sha256' | 'sha512' {
  if (digest !== undefined) return algorithmOf(digest);
  const asked = exchange.query('digest-algorithm') ?? 'sha256';
  if (asked === 'sha256' || asked === 'sha512') return asked;
  throw new DistributionError(
    'DIGEST_INVALID',
    `digests are sha256 or sha512 here, not ${asked.slice(0, 100)}`,
  );
}

async function mounted(
  registry: Registry,
  repository: string,
  { digest, from }: { digest: string; from: string | undefined },
): Promise<boolean> {
  const wanted = digestOf(digest);
  const source = from === undefined ? undefined : nameOf(from);
  if (source !== undefined && !(await registry.links.find(source, wanted))) return false;
  if (!(await registry.content.touch(wanted))) return false;
  const size = await registry.content.size(wanted);
  if (size === undefined) return false;
  await registry.link(repository, wanted, size);
  return true;
}

/** GET, PATCH, PUT and DELETE of an upload under way. */
export async function handleUpload(
  registry: Registry,
  route: { repository: string; id: string },
  exchange: Exchange,
): Promise<void> {
  const session = await registry.uploads.find(route.repository, route.id);
  switch (exchange.method) {
    case 'GET':
      return exchange.send(204, progress(session));
    case 'PATCH':
      return inOrder(session, exchange, async () => {
        await hasRoom(registry, session, exchange);
        exchange.send(
          202,
          progress(await registry.uploads.append(session, registry.quota.bounded(session, exchange.body))),
        );
      });
    case 'PUT': {
      const digest = digestOf(exchange.query('digest') ?? '');
      return inOrder(session, exchange, () => finish(registry, session, { digest, exchange }));
    }
    case 'DELETE':
      await registry.uploads.cancel(session.id);
      return exchange.send(204);
    default:
      throw new DistributionError('UNSUPPORTED', `${exchange.method} is not for uploads`);
  }
}

/** Lets a chunk through only where the upload ends now; else 416 with where that is. */
async function inOrder(session: Session, exchange: Exchange, proceed: () => Promise<void>): Promise<void> {
  const range = parseChunkRange(exchange.header('content-range'));
  const length = exchange.header('content-length');
  const offset = new DistributionError('RANGE_INVALID', `the next byte is ${session.document.size}`);
  if (range === 'invalid') throw new DistributionError('BLOB_UPLOAD_INVALID', 'Content-Range is START-END');
  if (range && range.start !== session.document.size) return exchange.fail(offset, progress(session));
  if (range && length !== undefined && range.end - range.start !== Number(length))
    throw new DistributionError('BLOB_UPLOAD_INVALID', 'Content-Range and Content-Length differ');
  try {
    await proceed();
  } catch (error) {
    // Somebody else has sent to the same upload at the same time.
    if (isConflict(error)) return exchange.fail(offset, progress(session));
    throw error;
  }
}

async function finish(
  registry: Registry,
  session: Session,
  { digest, exchange }: { digest: string; exchange: Exchange },
): Promise<void> {
  const { repository } = session.document;
  await hasRoom(registry, session, exchange);
  const size = await registry.uploads.finish(session, digest, registry.quota.bounded(session, exchange.body));
  await registry.links.add(repository, digest, size);
  registry.quota.add(repository, size);
  created(repository, digest, exchange);
}

/** Throws QUOTA_EXCEEDED when the repository cannot have the upload with what is coming, as far as its length is told. */
function hasRoom(registry: Registry, session: Session, exchange: Exchange): Promise<void> {
  const coming = Math.max(Number(exchange.header('content-length') ?? 1), 1);
  return registry.quota.check(session.document.repository, session.document.size + coming, session.id);
}

const created = (repository: string, digest: string, exchange: Exchange): void =>
  exchange.send(201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest });
