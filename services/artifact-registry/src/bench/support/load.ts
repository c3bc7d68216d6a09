import { createHash, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

interface Reply {
  status: number;
  location: string;
  bytes: number;
}

function send(port: number, options: { method: string; path: string; body?: Uint8Array }): Promise<Reply> {
  const { method, path, body } = options;
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': body?.length ?? 0, 'content-type': 'application/octet-stream' };
    const sent = request({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '', bytes }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
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

export async function push(port: number, { digest, bytes }: Content): Promise<void> {
  const started = expectStatus(await send(port, { method: 'POST', path: '/v2/bench/blobs/uploads/' }), 202);
  const url = new URL(started.location, `http://127.0.0.1:${port}`);
  url.searchParams.set('digest', digest);
  expectStatus(await send(port, { method: 'PUT', path: url.pathname + url.search, body: bytes }), 201);
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
