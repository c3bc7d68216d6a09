import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { buckets } from '@l3af/contracts';
import { digestOf } from '@l3af/oci';
import { busState } from '../state/bus-state';
import { directoryState } from '../state/directory-state';
import type { RegistryState } from '../state/state';
import { useServers } from '../testing/use-servers';
import { ContentStore } from './content-store';

describe('content of a registry from before parts had owners', () => {
  const servers = useServers();

  const storeInBus = async (name: string, bytes: Uint8Array) => {
    await servers.bus.objects(buckets.blobs).has('bucket');
    await servers.bus.nc.jetstream().publish(`$O.${buckets.blobs}.C.${name}`, bytes);
  };
  const storeInFolder = async (name: string, bytes: Uint8Array) => {
    await mkdir(join(servers.folder, 'parts', name.slice(0, 2)), { recursive: true });
    await writeFile(join(servers.folder, 'parts', name.slice(0, 2), name), bytes);
  };

  it.each([
    ['JetStream', () => Promise.resolve(busState(servers.bus)), storeInBus],
    ['a directory', () => directoryState(servers.folder), storeInFolder],
  ] as [string, () => Promise<RegistryState>, typeof storeInBus][])(
    'is read, and goes with its parts, on %s',
    async (_, open, store) => {
      const state = await open();
      const halves = [randomBytes(100_000), randomBytes(50_000)];
      const parts = halves.map((bytes) => ({ name: randomUUID(), size: bytes.length, crc32: crc32(bytes) }));
      for (const [index, { name }] of parts.entries()) await store(name, halves[index]!);
      const bytes = Buffer.concat(halves);
      const digest = digestOf(bytes);
      const document = { size: bytes.length, parts, touchedAt: 0 };
      await state.records.create(`content/${digest}`, Buffer.from(JSON.stringify(document)));

      const content = new ContentStore(state);
      expect((await content.get(digest))?.equals(bytes)).toBe(true);
      await content.remove(digest, (await content.find(digest))!);
      for (const part of parts) await expect(state.parts.get(part)).rejects.toThrow();
    },
  );
});
