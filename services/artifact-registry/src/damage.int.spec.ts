import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, RegistryClient } from '@l3af/oci';
import { createLogger } from '@l3af/telemetry';
import { startNats } from '@l3af/testing';
import type { TestNats } from '@l3af/testing';
import { readSettings } from './settings';
import { startRegistry } from './start-registry';
import type { RunningRegistry } from './start-registry';

describe('content that was changed where it is stored', () => {
  let nats: TestNats;
  let folder: string;
  let registry: RunningRegistry | undefined;
  const start = async (): Promise<RegistryClient> => {
    const settings = readSettings({ NATS_URL: nats.url, L3AF_REGISTRY_PORT: '0', L3AF_BLOB_DIR: folder });
    registry = await startRegistry(settings, createLogger('test', 'silent'));
    await registry.ready;
    return new RegistryClient(`http://127.0.0.1:${registry.port}`);
  };
  beforeAll(async () => {
    nats = await startNats();
    folder = await mkdtemp(join(tmpdir(), 'l3af-damage-'));
  });
  afterAll(async () => {
    await registry?.close();
    await nats.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Replaces the bytes in every file that holds them, as they are or in base64. */
  const tamper = async (from: Buffer, to: Buffer): Promise<number> => {
    let changed = 0;
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
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
    let client = await start();
    const bytes = Buffer.alloc(size, `content of ${size} bytes `);
    await client.putBlob('damaged', bytes);
    const other = Buffer.alloc(size, `CONTENT of ${size} bytes `);
    // Restarted, so that nothing is answered from memory.
    await registry?.close();
    expect(await tamper(bytes, other)).toBeGreaterThan(0);
    client = await start();
    const pull = client.getBlob('damaged', digestOf(bytes), size);
    await expect(pull).rejects.toMatchObject({ code: 'digest-mismatch', message: /500.*CONTENT_DAMAGED/s });
    await registry?.close();
    registry = undefined;
  });
});
