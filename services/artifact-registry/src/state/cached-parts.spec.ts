import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { waitFor } from '@l3af/testing';
import { CachedParts } from './cached-parts';
import { DirectoryParts } from './directory-parts';
import type { Parts } from './state';

describe('CachedParts', () => {
  let folder: string;
  let far: DirectoryParts;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'l3af-cache-'));
    far = new DirectoryParts(join(folder, 'far'), false);
  });
  afterEach(async () => {
    for (const parts of opened.splice(0)) await parts.close();
    await rm(folder, { recursive: true, force: true });
  });

  const opened: Parts[] = [];
  const open = async (bytesMax: number) => {
    const parts = await CachedParts.open(far, { folder: join(folder, 'near'), bytesMax });
    opened.push(parts);
    return parts;
  };
  const part = (name: string, content: Buffer) => ({ name, size: content.length, crc32: crc32(content) });
  const pieces = () => join(folder, `near/pieces-${far.bytesMax}`);
  const near = () => readdir(pieces());
  const content = Buffer.from('what was stored');

  it('reads what was stored or read before from here, also after a restart', async () => {
    const owner = far.newOwner();
    const first = await open(1000);
    const name = `${owner}/${await first.put(owner, content)}`;
    const second = `${owner}/${await first.put(owner, Buffer.from('and more'))}`;
    await far.delete(owner);
    const again = await open(1000);
    expect(Buffer.from(await again.get(part(name, content)))).toEqual(content);
    expect(String(await again.get(part(second, Buffer.from('and more'))))).toBe('and more');
    const other = far.newOwner();
    const otherName = `${other}/${await far.put(other, content)}`;
    await again.get(part(otherName, content));
    await far.delete(other);
    expect(Buffer.from(await again.get(part(otherName, content)))).toEqual(content);
  });

  it.each([
    [
      'damaged',
      async (path: string) => writeFile(path, String(await readFile(path)).replace('stored', 'st0red')),
    ],
    ['cut', (path: string) => writeFile(path, 'what')],
    ['empty', (path: string) => writeFile(path, '')],
    ['lost', (path: string) => rm(path)],
  ])('goes the longer way when what is here is %s, before and after a restart', async (_, harm) => {
    const cached = await open(1000);
    const owner = far.newOwner();
    const name = `${owner}/${await cached.put(owner, content)}`;
    await harm(join(pieces(), owner));
    expect(Buffer.from(await (await open(1000)).get(part(name, content)))).toEqual(content);
    expect(Buffer.from(await cached.get(part(name, content)))).toEqual(content);
  });

  it('keeps no more than it may, and loses the oldest first', async () => {
    const cached = await open(3 * content.length);
    const owners = Array.from({ length: 5 }, () => far.newOwner());
    for (const owner of owners) await cached.put(owner, content);
    await waitFor(async () => (await near()).length === 3, 'the oldest to be removed');
    expect((await near()).sort()).toEqual(owners.slice(2).sort());
    // Stored within one tick of the clock.
    for (const [at, owner] of owners.entries()) if (at > 1) await utimes(join(pieces(), owner), at, at);
    await open(content.length);
    expect(await near()).toEqual(owners.slice(4));
  });

  it('keeps the beginning of what alone is more than it may', async () => {
    const cached = await open(3 * content.length);
    const owner = far.newOwner();
    for (let count = 0; count < 5; count++) await cached.put(owner, content);
    const [file] = await near();
    expect((await readFile(join(pieces(), file!), 'utf8')).match(/what was stored/g)).toHaveLength(3);
  });

  it('forgets what its owner gives up', async () => {
    const cached = await open(1000);
    const [one, other] = [far.newOwner(), far.newOwner()];
    const gone = await cached.put(one, content);
    const stays = await cached.put(other, content);
    await cached.delete(one);
    expect(await near()).toEqual([other]);
    await expect(cached.get(part(`${one}/${gone}`, content))).rejects.toThrow();
    expect(Buffer.from(await cached.get(part(`${other}/${stays}`, content)))).toEqual(content);
  });

  it('refuses a damaged part from afar, too, and keeps nothing without room', async () => {
    const cached = await open(0);
    expect(cached).toBe(far);
    const owner = far.newOwner();
    const name = `${owner}/${await cached.put(owner, content)}`;
    await expect(cached.get({ ...part(name, content), crc32: 1 })).rejects.toMatchObject({
      code: 'digest-mismatch',
    });
  });
});
