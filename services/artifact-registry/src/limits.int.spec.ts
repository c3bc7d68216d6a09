import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { mediaTypes } from '@l3af/oci';
import { createLogger } from '@l3af/telemetry';
import { waitFor } from '@l3af/testing';
import { pack } from 'tar-stream';
import { scheduleGarbage } from './gc/gc-schedule';
import { useServers } from './testing/use-servers';

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('a registry with limits', () => {
  const servers = useServers();
  const start = (limits: Record<string, string>) =>
    servers.start({ L3AF_BLOB_DIR: servers.folder, ...limits });

  it('refuses blobs beyond a repository’s quota, and takes them for another repository', async () => {
    const { url } = await start({ L3AF_REPOSITORY_BYTES_MAX: '250000' });
    const push = async (name: string, bytes: Uint8Array) => {
      const at = `${url}/v2/${name}/blobs/uploads/`;
      const started = await fetch(at, { method: 'POST' });
      if (started.status !== 202) return started;
      const location = new URL(started.headers.get('location')!, at);
      location.searchParams.set('digest', digestOf(bytes));
      return fetch(location, { method: 'PUT', body: bytes as Uint8Array<ArrayBuffer> });
    };
    expect((await push('full', randomBytes(100_000))).status).toBe(201);
    expect((await push('full', randomBytes(100_000))).status).toBe(201);
    const refused = randomBytes(100_000);
    const answer = await push('full', refused);
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { errors: [expect.objectContaining({ code: 'QUOTA_EXCEEDED' })] },
    ]);
    const asked = await fetch(`${url}/v2/full/blobs/${digestOf(refused)}`);
    expect(asked.status).toBe(404);
    await asked.body?.cancel();
    expect((await push('full', randomBytes(50_000))).status).toBe(201);
    expect((await push('full', randomBytes(1))).status).toBe(413);
    expect((await push('other', refused)).status).toBe(201);
  });

  it('holds what is imported against the same limits', async () => {
    const { url } = await start({ L3AF_REPOSITORY_BYTES_MAX: '250000', L3AF_BLOB_BYTES_MAX: '1000000' });
    const archive = async (bytes: number): Promise<Response> => {
      const layer = randomBytes(bytes);
      const config = Buffer.from('{}');
      const described = (mediaType: string, content: Buffer) => ({
        ...{ mediaType, digest: digestOf(content), size: content.length },
      });
      const manifest = Buffer.from(
        JSON.stringify({
          ...{
            schemaVersion: 2,
            mediaType: mediaTypes.manifest,
            config: described(mediaTypes.empty, config),
          },
          layers: [described('application/octet-stream', layer)],
        }),
      );
      const index = { schemaVersion: 2, manifests: [described(mediaTypes.manifest, manifest)] };
      const tar = pack();
      for (const content of [layer, config, manifest])
        tar.entry({ name: `blobs/${digestOf(content).replace(':', '/')}` }, content);
      tar.entry({ name: 'index.json' }, JSON.stringify(index));
      tar.finalize();
      const body = await buffer(tar);
      return fetch(`${url}/l3af/v1/packages/import?name=taken`, { method: 'POST', body });
    };
    expect((await archive(100_000)).status).toBe(201);
    for (const bytes of [200_000, 1_000_000]) {
      const refused = await archive(bytes);
      expect([refused.status, await refused.json()]).toEqual([
        413,
        expect.objectContaining({ code: 'payload-too-large' }),
      ]);
    }
    const flood = { L3AF_REQUESTS_PER_SECOND: '1' };
    const limited = await start(flood);
    const ask = () => fetch(`${limited.url}/l3af/v1/packages/export?name=no&version=1`);
    await waitFor(async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, ask));
      return answers.some(({ status }) => status === 429);
    }, 'a refusal');
  });

  it('takes no more of an upload than the repository has room for', async () => {
    const { url } = await start({ L3AF_REPOSITORY_BYTES_MAX: '250000' });
    const at = `${url}/v2/chunked/blobs/uploads/`;
    const started = await fetch(at, { method: 'POST' });
    const upload = new URL(started.headers.get('location')!, at);
    const send = () => fetch(upload, { method: 'PATCH', body: randomBytes(200_000) });
    expect((await send()).status).toBe(202);
    const answer = await send();
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { errors: [expect.objectContaining({ code: 'QUOTA_EXCEEDED' })] },
    ]);
  });

  it('counts uploads under way, whatever length is told of them, and manifests', async () => {
    const { url, client } = await start({ L3AF_REPOSITORY_BYTES_MAX: '250000' });
    const at = `${url}/v2/open/blobs/uploads/`;
    const upload = async (): Promise<URL> => {
      const started = await fetch(at, { method: 'POST' });
      return new URL(started.headers.get('location')!, at);
    };
    const [one, other] = [await upload(), await upload()];
    expect((await fetch(one, { method: 'PATCH', body: randomBytes(200_000) })).status).toBe(202);
    const streamed = (bytes: number): RequestInit => ({
      ...{ method: 'PATCH', duplex: 'half' },
      body: ReadableStream.from([randomBytes(bytes / 2), randomBytes(bytes / 2)]) as never,
    });
    const refused = await fetch(other, streamed(100_000));
    expect([refused.status, await refused.json()]).toEqual([
      413,
      { errors: [expect.objectContaining({ code: 'QUOTA_EXCEEDED' })] },
    ]);
    expect((await fetch(one, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(await upload(), streamed(100_000))).status).toBe(202);

    const config = { ...(await client.putBlob('wordy', Buffer.from('{}'))), mediaType: mediaTypes.empty };
    const document = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [config] };
    const put = (about: string): Promise<unknown> => {
      const bytes = Buffer.from(JSON.stringify({ ...document, annotations: { about } }));
      return client.putManifest('wordy', digestOf(bytes), { bytes, mediaType: mediaTypes.manifest });
    };
    await put('x'.repeat(200_000));
    await put('x'.repeat(200_000)); // there already
    await expect(put('y'.repeat(200_000))).rejects.toMatchObject({ details: { status: 413 } });
  });

  it('lets only so many uploads be under way', async () => {
    const { url, ready } = await start({ L3AF_UPLOADS_MAX: '3', L3AF_BLOB_DIR: join(servers.folder, 'few') });
    const begin = (name: string) => fetch(`${url}/v2/${name}/blobs/uploads/`, { method: 'POST' });
    const open: Response[] = [];
    for (let count = 0; count < 3; count++) open.push(await begin(`many-${count}`));
    expect(open.map(({ status }) => status)).toEqual([202, 202, 202]);
    const refused = await begin('one-more');
    expect([refused.status, await refused.json()]).toEqual([
      429,
      { errors: [expect.objectContaining({ code: 'TOOMANYREQUESTS' })] },
    ]);
    const ended = await fetch(new URL(open[0]!.headers.get('location')!, url), { method: 'DELETE' });
    expect(ended.status).toBe(204);
    expect((await begin('again')).status).toBe(202);
    // One whose sender has gone makes room.
    const { state } = await ready;
    const key = `upload/${open[1]!.headers.get('docker-upload-uuid')!}`;
    const { value, revision } = (await state.uploads.get(key))!;
    const document = JSON.parse(Buffer.from(value).toString('utf8')) as { updatedAt: number };
    const idle = { ...document, updatedAt: document.updatedAt - 1_300_000 };
    await state.uploads.update(key, Buffer.from(JSON.stringify(idle)), revision);
    await waitFor(async () => (await begin('later')).status === 202, 'room for another');
    expect(await state.uploads.get(key)).toBeUndefined();
    expect((await begin('later')).status).toBe(429);
  });

  it('answers a flood with 429, and the same client again later', async () => {
    const { url } = await start({ L3AF_REQUESTS_PER_SECOND: '2' });
    const ask = async () => {
      const response = await fetch(`${url}/v2/`);
      return {
        status: response.status,
        wait: response.headers.get('retry-after'),
        body: await response.json(),
      };
    };
    const answers = [];
    for (let count = 0; count < 4; count++) answers.push(await ask());
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const refused = await waitFor(async () => {
      const flood = await Promise.all(Array.from({ length: 20 }, ask));
      return flood.find(({ status }) => status === 429);
    }, 'a refusal');
    expect(refused).toEqual({
      status: 429,
      wait: '1',
      body: { errors: [expect.objectContaining({ code: 'TOOMANYREQUESTS' })] },
    });
    await waitFor(async () => (await ask()).status === 200, 'to be answered again', { everyMs: 600 });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  it('collects garbage by itself, again and again', async () => {
    const registry = await (await start({ L3AF_GC_INTERVAL_SECONDS: '0' })).ready;
    const push = async () => {
      const bytes = randomBytes(100_000);
      const session = await registry.uploads.start('garbage', 'sha256');
      const source = (async function* () {
        yield bytes;
      })();
      await registry.uploads.finish(session, digestOf(bytes), source);
      return digestOf(bytes);
    };
    const [one, logger] = [await push(), createLogger('test', 'silent')];
    const schedule = scheduleGarbage(registry, logger, { intervalMs: 20, ageMsMin: 0 });
    await waitFor(async () => !(await registry.content.find(one)), 'the first to be collected');
    const two = await push().catch(() => undefined);
    if (two) await waitFor(async () => !(await registry.content.find(two)), 'the second to be collected');
    await schedule.stop();
  });

  it('gives more referrers than fit one page, each once', async () => {
    const { url, client } = await start({});
    const config = { ...(await client.putBlob('many', Buffer.from('{}'))), mediaType: mediaTypes.empty };
    const put = async (more: object) => {
      const document = {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config,
        layers: [config],
        ...more,
      };
      const bytes = Buffer.from(JSON.stringify(document));
      const manifest = { bytes, mediaType: mediaTypes.manifest };
      await client.putManifest('many', digestOf(bytes), manifest);
      return { mediaType: mediaTypes.manifest, digest: digestOf(bytes), size: bytes.length };
    };
    const subject = await put({});
    const made: string[] = [];
    for (let count = 0; count < 230; count++) {
      const artifactType = count % 2 ? 'application/x.odd' : 'application/x.even';
      made.push((await put({ subject, artifactType, annotations: { count: String(count) } })).digest);
    }
    const path = `/v2/many/referrers/${subject.digest}`;
    const first = await fetch(url + path);
    const page = (await first.json()) as { manifests: unknown[] };
    expect(page.manifests.length).toBeLessThan(230);
    expect(first.headers.get('link')).toMatch(/rel="next"/);
    const all = await client.referrers('many', subject.digest);
    expect(all.map(({ digest }) => digest).sort()).toEqual([...made].sort());
    expect(await client.referrers('many', subject.digest, 'application/x.odd')).toHaveLength(115);
  });
});
