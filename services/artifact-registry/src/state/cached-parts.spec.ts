import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { CachedParts } from './cached-parts';
import { DirectoryParts } from './directory-parts';

describe('CachedParts', () => {
  let folder: string;
  let far: DirectoryParts;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'l3af-cache-'));
    far = new DirectoryParts(join(folder, 'far'), { folder, sync: false });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const open = (bytesMax: number) => CachedParts.open(far, { folder: join(folder, 'near'), bytesMax });
  const part = (name: string, content: Buffer) => ({ name, size: content.length, crc32: crc32(content) });
  const near = async () => {
    const found = await readdir(join(folder, 'near/parts'), { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  };
  const content = Buffer.from('what was stored');

  it('reads what was stored or read before from here, also after a restart', async () => {
    const name = far.newName();
    await (await open(1000)).put(name, content);
    await far.delete(name);
    const again = await open(1000);
    expect(Buffer.from(await again.get(part(name, content)))).toEqual(content);
    const other = far.newName();
    await far.put(other, content);
    await again.get(part(other, content));
    await far.delete(other);
    expect(Buffer.from(await again.get(part(other, content)))).toEqual(content);
  });

  it.each([
    ['damaged', (path: string) => writeFile(path, 'what was st0red')],
    ['cut', (path: string) => writeFile(path, 'what')],
    ['lost', (path: string) => rm(path)],
  ])('goes the longer way when what is here is %s', async (_, harm) => {
    const cached = await open(1000);
    const name = far.newName();
    await cached.put(name, content);
    const [path] = await near();
    await harm(path!);
    expect(Buffer.from(await cached.get(part(name, content)))).toEqual(content);
  });

  it('keeps no more than it may, and loses the oldest first', async () => {
    const cached = await open(3 * content.length);
    const names = Array.from({ length: 5 }, () => far.newName());
    for (const name of names) await cached.put(name, content);
    expect((await near()).map((path) => path.slice(-36)).sort()).toEqual(names.slice(2).sort());
    await open(content.length);
    expect(await near()).toHaveLength(1);
  });

  it('refuses a damaged part from afar, too, and keeps nothing without room', async () => {
    const cached = await open(0);
    const name = far.newName();
    await cached.put(name, content);
    expect(cached).toBe(far);
    await expect(cached.get({ ...part(name, content), crc32: 1 })).rejects.toMatchObject({
      code: 'digest-mismatch',
    });
  });
});
