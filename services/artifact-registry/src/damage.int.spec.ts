import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '@l3af/oci';
import { useServers } from './testing/use-servers';

describe('content that was changed where it is stored', () => {
  const servers = useServers();
  const start = () => servers.start({ L3AF_BLOB_DIR: servers.folder });

  /** Replaces the bytes in every file that holds them, as they are or in base64. */
  const tamper = async (from: Buffer, to: Buffer): Promise<number> => {
    let changed = 0;
    const entries = await readdir(servers.folder, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name);
      const before = await readFile(path, 'latin1');
      const after = before
        .replaceAll(from.toString('base64'), to.toString('base64'))
        .replaceAll(from.toString('latin1'), to.toString('latin1'));
      if (after === before) continue;
      await writeFile(path, after, 'latin1');
      changed++;
    }
    return changed;
  };

  it.each([
    ['small content', 3_000],
    ['content in parts', 300_000],
  ])('%s is answered with an error that says so, not with a cut connection', async (_, size) => {
    const before = await start();
    const bytes = Buffer.alloc(size, `content of ${size} bytes `);
    await before.client.putBlob('damaged', bytes);
    const other = Buffer.alloc(size, `CONTENT of ${size} bytes `);
    // Restarted, so that nothing is answered from memory.
    await before.close();
    expect(await tamper(bytes, other)).toBeGreaterThan(0);
    const after = await start();
    const pull = after.client.getBlob('damaged', digestOf(bytes), size);
    await expect(pull).rejects.toMatchObject({ code: 'digest-mismatch', message: /500.*CONTENT_DAMAGED/s });
    await after.close();
  });
});
