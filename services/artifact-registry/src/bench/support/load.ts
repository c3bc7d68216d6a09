import { createHash, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { Readable } from 'node:stream';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

interface Reply {
  status: number;
  location: string;
  bytes: number;
}

/** What is sent: bytes, or as many repetitions of them. */
interface Body {
  bytes: Uint8Array;
  times: number;
}

function send(port: number, options: { method: string; path: string; body?: Body }): Promise<Reply> {
  const { method, path, body } = options;
  return new Promise((resolve, reject) => {
    const length = (body?.bytes.length ?? 0) * (body?.times ?? 0);
    const headers = { 'content-length': length, 'content-type': 'application/octet-stream' };
    const sent = request({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '', bytes }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    if (!body || body.times === 1) sent.end(body?.bytes);
    else Readable.from(Array.from({ length: body.times }, () => body.bytes)).pipe(sent);
  });
}

function expectStatus(reply: Reply, status: number): Reply {
  if (reply.status !== status)
    throw new Error(`Cannot measure: the registry answers ${reply.status}, needs ${status}`);
  return reply;
}

export interface Content {
  digest: string;
  bytes: Uint8Array;
}

export function contentOf(size: number): Content {
  const bytes = randomBytes(size);
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
}

export const push = (port: number, { digest, bytes }: Content): Promise<void> =>
  pushBody(port, digest, { bytes, times: 1 });

/** Pushes one blob of so many bytes, and pulls it. */
export async function streamOnce(port: number, sizeBytes: number): Promise<void> {
  const bytes = randomBytes(1024 * 1024);
  const times = sizeBytes / bytes.length;
  const hash = createHash('sha256');
  for (let count = 0; count < times; count++) hash.update(bytes);
  const digest = `sha256:${hash.digest('hex')}`;
  await pushBody(port, digest, { bytes, times });
  const path = `/v2/bench/blobs/${digest}`;
  const { bytes: pulled } = expectStatus(await send(port, { method: 'GET', path }), 200);
  if (pulled !== sizeBytes) throw new Error(`Cannot measure: ${pulled} bytes came`);
}

async function pushBody(port: number, digest: string, body: Body): Promise<void> {
  const started = expectStatus(await send(port, { method: 'POST', path: '/v2/bench/blobs/uploads/' }), 202);
  const url = new URL(started.location, `http://127.0.0.1:${port}`);
  url.searchParams.set('digest', digest);
  expectStatus(await send(port, { method: 'PUT', path: url.pathname + url.search, body }), 201);
}

export async function pull(port: number, { digest, bytes }: Content): Promise<void> {
  const reply = expectStatus(await send(port, { method: 'GET', path: `/v2/bench/blobs/${digest}` }), 200);
  if (reply.bytes !== bytes.length) throw new Error(`Cannot measure: ${reply.bytes} bytes came`);
}

/** Does the work for every item, `width` at a time; returns the seconds it took. */
export async function timed<T>(items: T[], width: number, work: (item: T) => Promise<void>): Promise<number> {
  const queue = [...items];
  const started = performance.now();
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return (performance.now() - started) / 1000;
}

export function closeConnections(): void {
  agent.destroy();
}
