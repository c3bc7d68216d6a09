import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  buckets,
  buildProgressSubject,
  buildRequestSubject,
  buildSubject,
  type BuildView,
  type L3afEvent,
} from '@l3af/contracts';
import { waitFor } from '@l3af/testing';
import { useControlPlane } from '../testing/use-control-plane';

const plane = useControlPlane({ seeded: false });
const { api } = plane;

const archive = gzipSync('a folder');
const upload = (bytes: Buffer, query: Record<string, string> = {}) =>
  api().post('/v1/builds').query(query).set('content-type', 'application/gzip').send(bytes);
const say = (build: string, event: L3afEvent): Promise<unknown> =>
  plane.bus.store.append({ subject: buildSubject(build), events: [event], actor: 'builder' });

async function requested(): Promise<string> {
  const { body } = await upload(archive).expect(202);
  return (body as { build: string }).build;
}

test('an archive is stored and its build is asked for', async () => {
  const { body } = await upload(archive, { fileName: 'mine.tgz', name: 'mine', version: '1.0.0' })
    .set('x-l3af-actor', 'ann')
    .expect(202);
  const { build, sequence } = body as { build: string; sequence: number };
  expect(body).toMatchObject({ watch: `/v1/builds/${build}/watch`, changed: true });
  const stored = await plane.bus.store.last(buildRequestSubject(build));
  expect(stored).toMatchObject({ sequence, envelope: { actor: 'ann' } });
  const [event] = stored!.events;
  expect(event).toMatchObject({
    type: 'BuildRequested',
    data: { build, name: 'mine', packageVersion: '1.0.0', source: { kind: 'archive', fileName: 'mine.tgz' } },
  });
  const { source } = (event as Extract<L3afEvent, { type: 'BuildRequested' }>).data;
  const { digest } = (source as Extract<typeof source, { kind: 'archive' }>).object;
  expect(Buffer.from(await plane.bus.objects(buckets.sources).get(digest))).toEqual(archive);
  const shown = await api().get(`/v1/builds/${build}`).query({ minSequence: sequence }).expect(200);
  expect(shown.body).toMatchObject({ id: build, state: 'queued', requestedBy: 'ann' });
});

test('a git repository', async () => {
  const git = { url: 'https://example.org/kf.git', ref: 'v1', folder: 'src/kf', credential: 'forge' };
  const { body } = await api().post('/v1/builds').send({ git }).expect(202);
  const stored = await plane.bus.store.last(buildRequestSubject((body as { build: string }).build));
  expect(stored?.events).toMatchObject([{ data: { source: { kind: 'git', ...git } } }]);
});

test.each([
  [{ url: 'https://ann:secret@example.org/kf.git' }, 'password'],
  [{ url: 'https://ghp_token@example.org/kf.git' }, 'token'],
  [{ url: 'ssh://git:se@cret@example.org/kf.git' }, 'password'],
  [{ url: 'https://example.org/kf.git?private_token=x' }, 'token'],
  [{ url: 'https://example.org/kf.git', credential: '../etc/passwd' }, 'name of a credential'],
  [{ url: '--upload-pack=touch /tmp/x' }, 'must be a git URL'],
  [{ url: 'https://example.org/kf.git', ref: '--help' }, 'must be a branch'],
  [{ url: 'https://example.org/kf.git', folder: '../..' }, 'must be a folder inside'],
])('the git source %j is refused', async (git, reason) => {
  await api().post('/v1/builds').send({ git }).expect(400, new RegExp(reason));
});

test('uploads that cannot be what they should', async () => {
  await upload(Buffer.from('not gzip')).expect(400, /its content is something else/);
  await upload(Buffer.alloc(0)).expect(400);
  await upload(archive, { name: 'Not A Name' }).expect(400, /name/);
  await upload(archive, { fileName: '../../etc/passwd' }).expect(400, /fileName/);
  await api()
    .post('/v1/builds')
    .set('content-type', 'application/zip')
    .send('x')
    .expect(400, /application\/gzip/);
  const object = (bytes: Buffer) =>
    api().post('/v1/packages').set('content-type', 'application/octet-stream').send(bytes);
  await object(randomBytes(1000)).expect(422, /"invalid-object"/);
  await object(Buffer.from('\x7fELF truncated')).expect(422, /"invalid-object"/);
});

test('an upload over the limit is refused while it comes', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.from([0x1f, 0x8b]);
    for (let sent = 0; sent < 70; sent++) yield await Promise.resolve(new Uint8Array(1024 * 1024));
  }
  const response = await fetch(`${plane.url}/v1/builds`, {
    method: 'POST',
    headers: { 'content-type': 'application/gzip' },
    body: ReadableStream.from(endless()) as never,
    duplex: 'half',
  });
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    413,
    'payload-too-large',
  ]);
});

test('a build is cancelled once, and one that is over not at all', async () => {
  const build = await requested();
  const cancelled = await api().delete(`/v1/builds/${build}`).expect(202);
  expect(cancelled.body).toMatchObject({ build, changed: true });
  const again = await api().delete(`/v1/builds/${build}`).expect(202);
  expect(again.body).toMatchObject({ build, changed: false });
  const { sequence } = cancelled.body as { sequence: number };
  const { body } = await api().get(`/v1/builds/${build}`).query({ minSequence: sequence });
  expect((body as BuildView).state).toBe('cancelled');

  const failed = await requested();
  await say(failed, {
    type: 'BuildFailed',
    version: 1,
    data: { build: failed, error: { code: 'build-failed', message: 'no' }, diagnostics: [] },
  });
  await waitFor(async () => {
    const view = (await api().get(`/v1/builds/${failed}`)).body as BuildView;
    return view.state === 'failed';
  }, 'the build to have failed');
  await api()
    .delete(`/v1/builds/${failed}`)
    .expect(409, /"conflict"/);
  await api()
    .delete('/v1/builds/nope')
    .expect(404, /"unknown-build"/);
});

test('what the builder of a cancelled build says last is told: its log, or that it had published', async () => {
  const cancelled = async (): Promise<string> => {
    const build = await requested();
    await api().delete(`/v1/builds/${build}`).expect(202);
    return build;
  };
  const [build, late] = [await cancelled(), await cancelled()];
  const log = await plane.bus.objects(buckets.logs).put(Buffer.from('fetched half of it\n'));
  const error = { code: 'build-cancelled', message: 'no' } as const;
  const failed = { build, error, diagnostics: [], log };
  await say(build, { type: 'BuildFailed', version: 1, data: failed });
  const digest = `sha256:${'1'.repeat(64)}`;
  const published = { name: 'kf', packageVersion: '1', digest, sourceDigest: digest, durationMs: 1 };
  const data = { build: late, ...published, diagnostics: [] };
  await say(late, { type: 'BuildSucceeded', version: 1, data });
  const view = async (id: string) => (await api().get(`/v1/builds/${id}`)).body as BuildView;
  await waitFor(async () => (await view(late)).state === 'succeeded', 'the last word to be known');
  expect(await view(late)).toMatchObject({ state: 'succeeded', digest });
  expect(await view(build)).toMatchObject({ state: 'cancelled', error });
  expect((await api().get(`/v1/builds/${build}/log`).expect(200)).text).toBe('fetched half of it\n');
});

test('the watch of a build tells its progress, also what was said before, and ends with it; its log can be read', async () => {
  const build = await requested();
  const log = await plane.bus.objects(buckets.logs).put(Buffer.from('clang: all well\n'));
  const tell = (step: string): void =>
    plane.bus.publishLive(buildProgressSubject(build), {
      build,
      at: new Date().toISOString(),
      step,
      message: 'x',
    });
  tell('fetch');
  await say(build, { type: 'BuildStarted', version: 1, data: { build, builder: 'b1', attempt: 1 } });
  const steps = (text: string) => [...text.matchAll(/"step":"(\w+)"/g)].map(([, step]) => step);
  let text = '';
  const response = await fetch(`${plane.url}/v1/builds/${build}/watch`);
  const reading = (async () => {
    for await (const chunk of response.body!) text += Buffer.from(chunk).toString('utf8');
  })();
  await waitFor(() => steps(text).length > 0, 'what was said before');
  tell('compile');
  await waitFor(() => steps(text).length > 1, 'what is said now');
  await say(build, {
    type: 'BuildFailed',
    version: 1,
    data: { build, error: { code: 'build-failed', message: 'no' }, diagnostics: [], log },
  });
  await reading;
  expect(steps(text)).toEqual(['fetch', 'compile']);
  const types = [...text.matchAll(/^event: (.*)$/gm)]
    .map(([, type]) => type)
    .filter((type) => type !== 'BuildProgress');
  expect(types).toEqual(['BuildStarted', 'BuildFailed']);
  const read = await waitFor(async () => {
    const response = await api().get(`/v1/builds/${build}/log`);
    return response.status === 200 && response;
  }, 'the log');
  expect([read.text, read.headers['content-type']]).toEqual([
    'clang: all well\n',
    'text/plain; charset=utf-8',
  ]);
  expect((await api().get(`/v1/logs/${log.digest}`).expect(200)).text).toBe('clang: all well\n');
  await api()
    .get(`/v1/logs/sha256:${'0'.repeat(64)}`)
    .expect(404, /"unknown-object"/);
});

test('the log of a build that has none', async () => {
  const build = await requested();
  await waitFor(async () => (await api().get(`/v1/builds/${build}`)).status === 200, 'the build');
  await api()
    .get(`/v1/builds/${build}/log`)
    .expect(404, /it is queued/);
  await api()
    .get('/v1/builds/nope/log')
    .expect(404, /"unknown-build"/);
});
