import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buckets } from '@l3af/contracts';
import { waitFor } from '@l3af/testing';
import { namesIn } from './state/files';
import { useServers } from './testing/use-servers';
import type { StartedRegistry } from './testing/use-servers';

const digestOf = (bytes: Uint8Array, algorithm = 'sha256') =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
const mebi = 1024 * 1024;

describe.each(['JetStream', 'a directory'])('uploads on %s', (backend) => {
  const servers = useServers();
  /** Two processes' worth of registry on one state. */
  let registries: StartedRegistry[];

  beforeAll(async () => {
    const settings = {
      L3AF_BLOB_BYTES_MAX: String(16 * mebi),
      ...(backend === 'a directory' && { L3AF_BLOB_DIR: servers.folder }),
    };
    registries = await Promise.all([1, 2].map(() => servers.start(settings)));
  });

  const at = (path: string, registry = 0) => registries[registry]!.url + path;
  const start = async () =>
    (await fetch(at('/v2/up/blobs/uploads/'), { method: 'POST' })).headers.get('location')!;
  // eslint-disable-next-line max-params -- reads as a sentence: send this to there, as this range, by that process
  const patch = (location: string, bytes: Uint8Array, range?: string, registry = 0) =>
    fetch(at(location, registry), {
      method: 'PATCH',
      body: bytes as Uint8Array<ArrayBuffer>,
      headers: range === undefined ? {} : { 'content-range': range },
    });
  // eslint-disable-next-line max-params -- the same
  const finish = (location: string, digest: string, body?: Uint8Array, registry = 0) =>
    fetch(`${at(location, registry)}?digest=${digest}`, {
      method: 'PUT',
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
    });
  const blob = async (digest: string, headers: Record<string, string> = {}, registry = 1) => {
    const response = await fetch(at(`/v2/up/blobs/${digest}`, registry), { headers });
    return {
      status: response.status,
      bytes: Buffer.from(await response.arrayBuffer()),
      headers: response.headers,
    };
  };
  /** How many bytes the upload has, as another process sees it. `0-0` stands for none, too. */
  const received = async (location: string) => {
    const response = await fetch(at(location, 1));
    expect(response.status).toBe(204);
    const last = Number(response.headers.get('range')?.slice(2));
    return last === 0 ? 0 : last + 1;
  };
  /** How many parts an upload has in the store. */
  const partsStored = async (id: string): Promise<number> => {
    if (backend === 'a directory')
      return (await namesIn(join(servers.folder, 'parts', id.slice(0, 2), id))).length;
    const manager = await servers.bus.nc.jetstreamManager();
    const subject = `$O.${buckets.blobs}.C.${id}`;
    const { state } = await manager.streams.info(`OBJ_${buckets.blobs}`, { subjects_filter: subject });
    return state.subjects?.[subject] ?? 0;
  };
  /** What a client does after an outage: asks where to go on until that is where the upload is. */
  const resume = async (location: string, bytes: Uint8Array) =>
    waitFor(async () => {
      const from = await received(location);
      const answer = await patch(location, bytes.subarray(from), `${from}-${bytes.length - 1}`, 1);
      return answer.status === 202 && { from };
    }, 'the upload to go on');

  /** Sends a request whose body ends before it should, and hangs up. */
  // eslint-disable-next-line max-params -- the same
  const cut = (method: string, path: string, body: Uint8Array, length: number) =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(registries[0]!.port, '127.0.0.1', () => {
        socket.write(`${method} ${path} HTTP/1.1\r\nhost: registry\r\ncontent-length: ${length}\r\n\r\n`);
        socket.write(body, () => socket.destroySoon());
      });
      socket.on('close', () => resolve());
      socket.on('error', reject);
    });

  it.each([2, 70_000, 2 * mebi, 2 * mebi + 5, 5 * mebi])(
    'goes on, in another process, with a PATCH that was cut after %d bytes',
    async (sent) => {
      const bytes = randomBytes(5 * mebi + 1234);
      const digest = digestOf(bytes);
      const location = await start();
      await cut('PATCH', location, bytes.subarray(0, sent), bytes.length);
      expect((await blob(digest)).status).toBe(404);
      expect((await resume(location, bytes)).from).toBeLessThanOrEqual(sent);
      expect((await blob(digest)).status).toBe(404);
      expect((await finish(location, digest)).status).toBe(201);
      const { status, bytes: stored } = await blob(digest);
      expect(status).toBe(200);
      expect(stored.equals(bytes)).toBe(true);
      expect((await fetch(at(location))).status).toBe(404);
    },
  );

  it('keeps whole parts of a PATCH as they come', async () => {
    const bytes = randomBytes(15 * mebi);
    const location = await start();
    const socket = connect(registries[0]!.port, '127.0.0.1');
    socket.write(`PATCH ${location} HTTP/1.1\r\nhost: registry\r\ncontent-length: ${bytes.length}\r\n\r\n`);
    socket.write(bytes.subarray(0, 14 * mebi));
    await waitFor(async () => (await received(location)) >= 2 * mebi, 'the first part to be kept');
    socket.destroy();
    expect((await resume(location, bytes)).from).toBeGreaterThanOrEqual(2 * mebi);
    expect((await finish(location, digestOf(bytes))).status).toBe(201);
    expect((await blob(digestOf(bytes))).bytes.equals(bytes)).toBe(true);
  });

  it('forgets an upload that is cancelled while somebody sends to it, and all that was stored of it', async () => {
    const bytes = randomBytes(15 * mebi);
    const location = await start();
    const id = location.split('/').at(-1)!;
    const socket = connect(registries[0]!.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.write(`PATCH ${location} HTTP/1.1\r\nhost: registry\r\ncontent-length: ${bytes.length}\r\n\r\n`);
    socket.write(bytes.subarray(0, 14 * mebi));
    await waitFor(async () => (await received(location)) >= 2 * mebi, 'the first part to be kept');
    expect((await fetch(at(location, 1), { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(at(location))).status).toBe(404);
    expect((await fetch(at(location, 1), { method: 'DELETE' })).status).toBe(404);
    socket.write(bytes.subarray(14 * mebi));
    await waitFor(() => answer !== '', 'the sender to be told');
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1.1 416 /);
    const { uploads } = await registries[0]!.ready;
    expect(await uploads.expire(id, { ageMsMin: 0 })).toBe(true);
    expect(await uploads.ids()).not.toContain(id);
    expect(await partsStored(id)).toBe(0);
  });

  it.each([0, 1, 100_000, 3 * mebi])('shows nothing of a PUT cut after %d bytes', async (sent) => {
    const bytes = randomBytes(3 * mebi + 77);
    const digest = digestOf(bytes);
    const location = await start();
    await cut('PUT', `${location}?digest=${digest}`, bytes.subarray(0, sent), bytes.length);
    expect((await blob(digest)).status).toBe(404);
    await cut('POST', `/v2/up/blobs/uploads/?digest=${digest}`, bytes.subarray(0, sent), bytes.length);
    expect((await blob(digest)).status).toBe(404);
  });

  it.each(['sha256', 'sha512'])('takes %s digests, in one piece and in many', async (algorithm) => {
    for (const size of [0, 10, 64 * 1024, 64 * 1024 + 1, 2 * mebi, 4 * mebi + 3]) {
      const bytes = randomBytes(size);
      const digest = digestOf(bytes, algorithm);
      const whole = await start();
      expect((await finish(whole, digest, bytes)).status).toBe(201);
      expect((await blob(digest)).bytes.equals(bytes)).toBe(true);
      const other = randomBytes(size + 1);
      const chunked = await start();
      expect((await patch(chunked, other.subarray(0, size))).status).toBe(202);
      expect((await finish(chunked, digestOf(other, algorithm), other.subarray(size), 1)).status).toBe(201);
      expect((await blob(digestOf(other, algorithm))).bytes.equals(other)).toBe(true);
    }
  });

  it('refuses content that is not what its digest says, and forgets it', async () => {
    for (const size of [5, 3 * mebi]) {
      const bytes = randomBytes(size);
      const digest = digestOf(Buffer.concat([bytes, Buffer.from('x')]));
      const location = await start();
      expect((await finish(location, digest, bytes)).status).toBe(400);
      expect((await blob(digest)).status).toBe(404);
      expect((await blob(digestOf(bytes))).status).toBe(404);
      expect((await fetch(at(location))).status).toBe(404);
    }
  });

  it.each([
    ['two processes', [0, 1]],
    ['one process', [0, 0]],
  ])('lets one of two senders through who send to one upload at once, by %s', async (_, by) => {
    const sent = by.map(() => randomBytes(6 * mebi));
    const location = await start();
    const range = `0-${6 * mebi - 1}`;
    const answers = await Promise.all(by.map((one, at) => patch(location, sent[at]!, range, one)));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 416]);
    const kept = sent[answers.findIndex(({ status }) => status === 202)]!;
    expect((await finish(location, digestOf(kept))).status).toBe(201);
    expect((await blob(digestOf(kept))).bytes.equals(kept)).toBe(true);
  });

  it('gives ranges of content of many parts', async () => {
    const bytes = randomBytes(5 * mebi);
    const digest = digestOf(bytes);
    expect((await finish(await start(), digest, bytes)).status).toBe(201);
    const ranges = [
      [0, 0],
      [0, 2 * mebi],
      [2 * mebi - 1, 2 * mebi],
      [2 * mebi, 4 * mebi - 1],
      [4 * mebi + 9, 5 * mebi - 1],
    ];
    for (const [first = 0, last = 0] of ranges) {
      const { status, bytes: part, headers } = await blob(digest, { range: `bytes=${first}-${last}` });
      expect([status, headers.get('content-range')]).toEqual([206, `bytes ${first}-${last}/${bytes.length}`]);
      expect(part.equals(bytes.subarray(first, last + 1))).toBe(true);
    }
  });

  it('takes a blob over from another repository, and starts an upload when it cannot', async () => {
    const bytes = randomBytes(3 * mebi);
    const digest = digestOf(bytes);
    await finish(await start(), digest, bytes);
    const mount = (query: string) => fetch(at(`/v2/elsewhere/blobs/uploads/?${query}`), { method: 'POST' });
    expect((await mount(`mount=${digest}&from=nowhere`)).status).toBe(202);
    expect((await fetch(at(`/v2/elsewhere/blobs/${digest}`))).status).toBe(404);
    expect((await mount(`mount=${digest}&from=up`)).status).toBe(201);
    expect((await fetch(at(`/v2/up/blobs/${digest}`), { method: 'DELETE' })).status).toBe(202);
    expect((await blob(digest)).status).toBe(404);
    const there = await fetch(at(`/v2/elsewhere/blobs/${digest}`));
    expect(Buffer.from(await there.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('refuses a blob over the limit, announced or not', async () => {
    const bytes = randomBytes(16 * mebi + 1);
    const answer = await finish(await start(), digestOf(bytes), bytes).catch(() => undefined);
    // The connection may be cut before the sender looks for the answer.
    if (answer) expect(answer.status).toBe(413);
    expect((await blob(digestOf(bytes))).status).toBe(404);
  });

  it('tells a repository without tags from one that nobody has pushed to', async () => {
    const url = `http://127.0.0.1:${registries[0]!.port}`;
    const tags = async (name: string) => {
      const answer = await fetch(`${url}/v2/${name}/tags/list`);
      return [answer.status, await answer.json()];
    };
    expect(await tags('tagless')).toEqual([
      404,
      { errors: [expect.objectContaining({ code: 'NAME_UNKNOWN' })] },
    ]);
    const bytes = randomBytes(10);
    const at = `${url}/v2/tagless/blobs/uploads/?digest=${digestOf(bytes)}`;
    expect((await fetch(at, { method: 'POST', body: bytes })).status).toBe(201);
    const all = await Promise.all(Array.from({ length: 20 }, () => tags('tagless')));
    expect(all).toEqual(all.map(() => [200, { name: 'tagless', tags: [] }]));
  });

  it.each([
    ['GET', '/v2/../../etc/passwd/blobs/sha256:00'],
    ['GET', '/v2/up/blobs/sha256:../../x'],
    ['GET', '/v2/up/blobs/..%2f..%2fetc%2fpasswd'],
    ['GET', '/v2/UP/tags/list'],
    ['GET', '/v2/up//x/tags/list'],
    ['GET', `/v2/${'a'.repeat(201)}/tags/list`],
    ['GET', '/v2/up/manifests/.hidden'],
    ['GET', '/v2/up/blobs/uploads/../../../x'],
    ['PATCH', '/v2/up/blobs/uploads/not-an-id'],
    ['PUT', `/v2/up/blobs/uploads/${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}?digest=x`],
    ['POST', '/v2/up/blobs/uploads/?digest=md5:00'],
    ['POST', '/v2/up/blobs/uploads/?digest-algorithm=md5'],
    ['DELETE', '/v2/up/tags/list'],
  ])('refuses %s %s', async (method, path) => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(registries[0]!.port, '127.0.0.1', () =>
        socket.write(
          `${method} ${path} HTTP/1.1\r\nhost: registry\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
        ),
      );
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(answer).toMatch(/"errors":\[\{"code":"[A-Z_]+"/);
  });
});
