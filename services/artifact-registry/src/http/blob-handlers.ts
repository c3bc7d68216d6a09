import type { ContentDocument } from '../content/content-store';
import { DistributionError } from '../distribution-error';
import type { Registry } from '../registry';
import type { Exchange } from './exchange';
import { parseRange } from './ranges';

interface BlobRoute {
  repository: string;
  digest: string;
}

/** HEAD, GET and DELETE of a blob. */
export async function handleBlob(registry: Registry, route: BlobRoute, exchange: Exchange): Promise<void> {
  switch (exchange.method) {
    case 'HEAD':
    case 'GET':
      return sendBlob(registry, route, exchange);
    case 'DELETE':
      await registry.links.remove(route.repository, route.digest);
      return exchange.send(202);
    default:
      throw new DistributionError('UNSUPPORTED', `${exchange.method} is not for blobs`);
  }
}

async function sendBlob(
  registry: Registry,
  { repository, digest }: BlobRoute,
  exchange: Exchange,
): Promise<void> {
  const content = await registry.links.find(repository, digest);
  if (!content) throw new DistributionError('BLOB_UNKNOWN', `${repository} has no blob ${digest}`);
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
  };
  if (exchange.method === 'HEAD') {
    // Who asks may be about to refer to it.
    await registry.links.touch(repository, digest);
    return exchange.send(200, { ...headers, 'content-length': String(content.size) });
  }
  if (exchange.header('if-none-match') === headers.etag) return exchange.send(304, headers);
  const range = parseRange(exchange.header('range'), content.size);
  if (range === 'unsatisfiable')
    return exchange.fail(new DistributionError('RANGE_INVALID', `the blob has ${content.size} bytes`), {
      'content-range': `bytes */${content.size}`,
    });
  const full = range === 'full';
  const wanted = full ? { start: 0, end: content.size } : range;
  const pieces = content.inline === undefined ? registry.content.readRange(content, wanted) : small();
  // What is small, and the first part of what is not, is checked before anything is said of it.
  const first = await pieces.next();
  exchange.response.writeHead(full ? 200 : 206, {
    ...headers,
    'content-length': String(wanted.end - wanted.start),
    ...(!full && { 'content-range': `bytes ${wanted.start}-${wanted.end - 1}/${content.size}` }),
  });
  return stream(first, pieces, exchange);

  async function* small(): AsyncGenerator<Uint8Array> {
    const bytes = await registry.content.get(digest);
    if (!bytes) throw new DistributionError('BLOB_UNKNOWN', `${repository} has no blob ${digest}`);
    yield bytes.subarray(wanted.start, wanted.end);
  }
}

/** Asks for a piece when the one before the last is out: memory stays bounded whoever reads how slowly. */
async function stream(
  first: IteratorResult<Uint8Array>,
  rest: AsyncGenerator<Uint8Array>,
  { response }: Exchange,
): Promise<void> {
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  let last: Promise<void> = Promise.resolve();
  for (let next = first; !next.done; next = await rest.next()) {
    const piece = next.value;
    const out = new Promise<void>((resolve) => response.write(piece, () => resolve()));
    await Promise.race([last, closed]);
    // The reader going away is the reader's affair.
    if (response.destroyed) return void (await rest.return(undefined));
    last = out;
  }
  response.end();
}

export type { ContentDocument };
