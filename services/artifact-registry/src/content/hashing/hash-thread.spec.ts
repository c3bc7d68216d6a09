import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { HashThread } from './hash-thread';

describe('HashThread', () => {
  const thread = new HashThread();
  afterAll(() => thread.close());

  const shared = (size: number): Buffer<SharedArrayBuffer> => {
    const bytes = Buffer.from(new SharedArrayBuffer(size + 10), 0, size);
    bytes.set(randomBytes(size));
    return bytes;
  };
  const digestOf = (...bytes: Buffer[]): string =>
    createHash('sha256').update(Buffer.concat(bytes)).digest('hex');
  const algorithm = 'sha256';

  it('reckons a digest of what comes in pieces, of several uploads at once', async () => {
    const pieces = [shared(100_000), shared(50_000), shared(1)];
    const sums: Promise<number>[] = [];
    let at = 0;
    for (const piece of pieces) {
      sums.push(thread.add('one', { algorithm, at }, piece));
      sums.push(thread.add('other', { algorithm: 'sha512', at }, piece));
      at += piece.length;
    }
    expect(await Promise.all(sums)).toEqual(pieces.flatMap((piece) => [crc32(piece), crc32(piece)]));
    expect(await thread.end('one', { algorithm, size: at })).toBe(digestOf(...pieces));
    const long = createHash('sha512').update(Buffer.concat(pieces)).digest('hex');
    expect(await thread.end('other', { algorithm: 'sha512', size: at })).toBe(long);
    expect(await thread.end('one', { algorithm, size: at })).toBeUndefined();
  });

  it('gives no digest of what it has not seen whole, and the checksum all the same', async () => {
    const [first, second] = [shared(10), shared(10)];
    await thread.add('gap', { algorithm, at: 0 }, first);
    expect(await thread.add('gap', { algorithm, at: 20 }, second)).toBe(crc32(second));
    expect(await thread.end('gap', { algorithm, size: 30 })).toBeUndefined();
    expect(await thread.add('late', { algorithm, at: 10 }, second)).toBe(crc32(second));
    expect(await thread.end('late', { algorithm, size: 20 })).toBeUndefined();
    await thread.add('short', { algorithm, at: 0 }, first);
    expect(await thread.end('short', { algorithm, size: 20 })).toBeUndefined();
    await thread.add('other way', { algorithm, at: 0 }, first);
    expect(await thread.end('other way', { algorithm: 'sha512', size: 10 })).toBeUndefined();
  });

  it('starts an upload again from its first byte', async () => {
    const [first, second] = [shared(10), shared(20)];
    await thread.add('again', { algorithm, at: 0 }, first);
    await thread.add('again', { algorithm, at: 0 }, second);
    expect(await thread.end('again', { algorithm, size: 20 })).toBe(digestOf(second));
  });

  it('fails what was asked of a thread that dies, and goes on with a new one that knows nothing', async () => {
    const bytes = shared(1000);
    await thread.add('lost', { algorithm, at: 0 }, bytes);
    const asked = [
      thread.add('bad', { algorithm: 'none' as never, at: 0 }, bytes),
      thread.add('lost', { algorithm, at: 1000 }, bytes),
    ];
    for (const failed of asked) await expect(failed).rejects.toThrow('Digest method not supported');
    expect(await thread.add('lost', { algorithm, at: 1000 }, bytes)).toBe(crc32(bytes));
    expect(await thread.end('lost', { algorithm, size: 2000 })).toBeUndefined();
  });
});
