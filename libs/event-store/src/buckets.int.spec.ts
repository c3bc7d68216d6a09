import { createHash } from 'node:crypto';
import { startNats, waitFor, type TestNats } from '@l3af/testing';
import { connectBus, type Bus, type KeyValueEntry } from './index';
import { codeOf } from './store.contract';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
let nats: TestNats;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ servers: nats.url, name: 'buckets', log });
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('an object bucket', () => {
  test('names objects by their content and stores the same content once', async () => {
    const objects = bus.objects('once');
    const bytes = Buffer.from('the same');
    const first = await objects.put(bytes);
    expect(first).toEqual({ bucket: 'once', digest: digestOf(bytes), sizeBytes: 8 });
    expect(await objects.put(bytes)).toEqual(first);
    const { state } = await (await bus.nc.jetstreamManager()).streams.info('OBJ_once');
    expect(state.messages).toBe(2); // one chunk, one description
    expect(Buffer.from(await objects.get(first.digest))).toEqual(bytes);
  });

  test.each([0, 1, 128 * 1024, 3_000_000])('takes a stream of %d bytes and gives it back', async (size) => {
    const objects = bus.objects('streams');
    const bytes = Buffer.alloc(size, 'l3af');
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < size; at += 100_000) yield bytes.subarray(at, at + 100_000);
    }
    const { digest, sizeBytes } = await objects.put(chunks());
    expect([digest, sizeBytes]).toEqual([digestOf(bytes), size]);
    expect(await objects.size(digest)).toBe(size);
    expect(digestOf(await objects.get(digest))).toBe(digest);
    const read: Uint8Array[] = [];
    for await (const chunk of objects.stream(digest)) read.push(chunk);
    expect(digestOf(Buffer.concat(read))).toBe(digest);
    expect((await objects.put(chunks())).digest).toBe(digest);
  });

  test('a stream that breaks off stores nothing', async () => {
    const objects = bus.objects('broken');
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(300_000);
      throw new Error('the sender went away');
    }
    await expect(objects.put(broken())).rejects.toThrow('the sender went away');
    const { state } = await (await bus.nc.jetstreamManager()).streams.info('OBJ_broken');
    expect(state.messages).toBe(0);
  });

  test('what is not there, and what was deleted, is said to be missing', async () => {
    const objects = bus.objects('missing');
    const { digest } = await objects.put(Buffer.from('short-lived'));
    await objects.delete(digest);
    await objects.delete(digest);
    expect(await objects.has(digest)).toBe(false);
    expect(await codeOf(objects.get(digest))).toBe('digest-mismatch');
    expect(await codeOf(objects.get(digestOf(Buffer.from('never'))))).toBe('digest-mismatch');
    await objects.put(Buffer.from('short-lived'));
    expect(await objects.has(digest)).toBe(true);
  });

  test('content that is not what its name says is refused', async () => {
    const objects = bus.objects('forged');
    const digest = digestOf(Buffer.from('honest'));
    const os = await bus.nc.jetstream().views.os('forged');
    await os.putBlob({ name: digest }, Buffer.from('forged'));
    expect(await codeOf(objects.get(digest))).toBe('digest-mismatch');
  });
});

describe('a key-value bucket', () => {
  const text = (entry: KeyValueEntry | undefined): string | undefined =>
    entry && Buffer.from(entry.value).toString();

  test('takes any text as key', async () => {
    const kv = bus.keyValue('keys');
    const keys = ['a', 'a/b', 'a.b', 'eth0.100', 'x=y', 'x%3Dy', 'größe', 'a b', '*', '>'];
    for (const key of keys) await kv.put(key, `value of ${key}`);
    expect(await kv.keys()).toEqual([...keys].sort());
    for (const key of keys) expect(text(await kv.get(key))).toBe(`value of ${key}`);
  });

  test('sets only what is at the expected revision', async () => {
    const kv = bus.keyValue('cas', { history: 5 });
    const first = await kv.create('tag', '1');
    expect(await codeOf(kv.create('tag', '1'))).toBe('conflict');
    const second = await kv.update('tag', '2', first);
    expect(await codeOf(kv.update('tag', '3', first))).toBe('conflict');
    expect(await codeOf(kv.delete('tag', first))).toBe('conflict');
    await kv.delete('tag', second);
    expect(await kv.get('tag')).toBeUndefined();
    await kv.create('tag', '4');
    const history = await kv.history('tag');
    expect(history.map((entry) => [text(entry), entry.deleted])).toEqual([
      ['1', false],
      ['2', false],
      ['', true],
      ['4', false],
    ]);
  });

  test('tells of every change, over an outage too', async () => {
    const kv = bus.keyValue('watched');
    const seen = new Map<string, string | undefined>();
    const stop = new AbortController();
    await kv.put('before', '1');
    const watching = (async () => {
      for await (const entry of kv.watch({ signal: stop.signal })) seen.set(entry.key, text(entry));
    })();
    await waitFor(() => seen.get('before') === '1', 'what was there');
    await nats.restart();
    await kv.put('after/outage', '2');
    await waitFor(() => seen.get('after/outage') === '2', 'the change after the outage');
    stop.abort();
    await watching;
  });
});
