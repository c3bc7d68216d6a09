import { mkdtemp, open, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { CheckedParts } from './checked-parts';

describe('CheckedParts', () => {
  const content = Buffer.from('what was stored');
  const part = { name: 'owner/piece', size: content.length, crc32: crc32(content) };
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'l3af-checked-'));
    path = join(folder, 'part');
    await writeFile(path, content);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const readWith = async (checked: CheckedParts, reference = part): Promise<string> => {
    const file = await open(path);
    try {
      const bytes = await checked.read(reference, file, async () => (await file.readFile()).subarray(0, 100));
      return String(bytes);
    } finally {
      await file.close();
    }
  };
  const damaged = { code: 'digest-mismatch' };

  it('finds what is changed after it was right, and what was wrong from the start', async () => {
    const checked = new CheckedParts();
    for (let count = 0; count < 2; count++) expect(await readWith(checked)).toBe('what was stored');
    await writeFile(path, 'what was st0red');
    // Whoever changes it may set its time of change, but not when that was done.
    await utimes(path, 0, 0);
    await expect(readWith(checked)).rejects.toMatchObject(damaged);
    await expect(readWith(new CheckedParts())).rejects.toMatchObject(damaged);
    await writeFile(path, content);
    expect(await readWith(checked)).toBe('what was stored');
  });

  it('does not take one checksum for another, nor a file that is another now', async () => {
    const checked = new CheckedParts();
    await readWith(checked);
    await expect(readWith(checked, { ...part, crc32: 1 })).rejects.toMatchObject(damaged);
    await expect(readWith(checked, { ...part, size: 3 })).rejects.toMatchObject(damaged);
    await rm(path);
    await writeFile(path, 'what was st0red');
    await expect(readWith(checked)).rejects.toMatchObject(damaged);
  });

  it('does not check again what has not changed', async () => {
    const checked = new CheckedParts();
    await readWith(checked);
    const file = await open(path);
    const given = await checked.read(part, file, () => Promise.resolve(Buffer.from('what was st0red')));
    expect(String(given)).toBe('what was st0red');
    await file.close();
  });
});
