import { createHash, randomBytes } from 'node:crypto';
import { mediaTypes } from '@l3af/oci';
import { openRegistry } from '../registry';
import { partsOf } from '../content/pieces';
import type { Registry } from '../registry';
import { busState } from '../state/bus-state';
import { directoryState } from '../state/directory-state';
import { useServers } from '../testing/use-servers';
import { collectGarbage } from './collect-garbage';

const hour = 3_600_000;
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
async function* once(bytes: Uint8Array) {
  yield bytes;
}

describe.each(['JetStream', 'a directory'])('collectGarbage() on %s', (backend) => {
  const servers = useServers();
  let registry: Registry;
  beforeAll(async () => {
    const { bus, folder } = servers;
    const state = backend === 'JetStream' ? busState(bus) : await directoryState(folder);
    registry = openRegistry(state, bus, { blobBytesMax: 1e9, repositoryBytesMax: 0, uploadsMax: 0 });
  });

  const push = async (repository: string, bytes: Uint8Array) => {
    const session = await registry.uploads.start(repository, 'sha256');
    const digest = digestOf(bytes);
    await registry.links.add(repository, digest, await registry.uploads.finish(session, digest, once(bytes)));
    return { mediaType: 'application/octet-stream', digest, size: bytes.length };
  };
  const manifestOf = async (repository: string, layer: Awaited<ReturnType<typeof push>>) => {
    const config = await push(repository, Buffer.from('{}'));
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] }),
    );
    return { digest: digestOf(bytes), bytes, contentType: mediaTypes.manifest };
  };
  const later = { ageMsMin: hour, now: Date.now() + 2 * hour };

  it('leaves what is young', async () => {
    const blob = await push('young', randomBytes(10));
    await registry.uploads.start('young', 'sha256');
    expect(await collectGarbage(registry, { ageMsMin: hour })).toEqual({
      uploads: 0,
      links: 0,
      contents: 0,
      bytes: 0,
    });
    expect(await registry.links.find('young', blob.digest)).toBeDefined();
  });

  it('removes abandoned uploads, unneeded blobs and content that nobody has, with their parts', async () => {
    const needed = await push('kept', randomBytes(3_000_000));
    await registry.manifests.put('kept', await manifestOf('kept', needed));
    const unneeded = await push('kept', randomBytes(3_000_000));
    const parts = partsOf((await registry.content.find(unneeded.digest))!.value);
    const session = await registry.uploads.start('kept', 'sha256');
    const fed = await registry.uploads.append(session, once(randomBytes(100_000)));

    const garbage = await collectGarbage(registry, later);
    expect(garbage.uploads).toBeGreaterThanOrEqual(1);
    expect(garbage.contents).toBeGreaterThanOrEqual(1);
    expect(await registry.links.find('kept', needed.digest)).toBeDefined();
    expect(await registry.links.find('kept', unneeded.digest)).toBeUndefined();
    expect(await registry.content.find(unneeded.digest)).toBeUndefined();
    const uploaded = partsOf({ owner: fed.id, pieces: fed.document.pieces });
    expect([parts.length > 1, uploaded.length]).toEqual([true, 1]);
    for (const part of [...parts, ...uploaded])
      await expect(registry.state.parts.get(part)).rejects.toThrow();
    await expect(registry.uploads.find('kept', session.id)).rejects.toMatchObject({
      code: 'BLOB_UPLOAD_UNKNOWN',
    });
    const bytes = [];
    const content = (await registry.links.find('kept', needed.digest))!;
    for await (const piece of registry.content.read(content)) bytes.push(Buffer.from(piece));
    expect(digestOf(Buffer.concat(bytes))).toBe(needed.digest);
  });

  it('keeps the content of an upload that had become it when its process died', async () => {
    const bytes = randomBytes(3_000_000);
    const session = await registry.uploads.start('died', 'sha256');
    const fed = await registry.uploads.append(session, once(bytes));
    const { size, pieces } = fed.document;
    const digest = digestOf(bytes);
    // The steps of a commit, up to the one before the last.
    const record = (await registry.state.uploads.get(`upload/${session.id}`))!;
    const committing = Buffer.from(JSON.stringify({ ...fed.document, committing: digest }));
    await registry.state.uploads.update(`upload/${session.id}`, committing, record.revision);
    await registry.content.adopt(digest, { size, owner: fed.id, pieces });
    await registry.links.add('died', digest, size);
    await registry.manifests.put(
      'died',
      await manifestOf('died', { mediaType: 'application/octet-stream', digest, size }),
    );
    await collectGarbage(registry, later);
    const content = (await registry.links.find('died', digest))!;
    const read = [];
    for await (const piece of registry.content.read(content)) read.push(Buffer.from(piece));
    expect(Buffer.concat(read).equals(bytes)).toBe(true);
  });

  it('never leaves a manifest without its blobs, whatever it meets', async () => {
    const layers = Array.from({ length: 8 }, () => randomBytes(70_000));
    let collecting = true;
    // Merciless: everything counts as old, so that no age protects the pushes.
    const collector = (async () => {
      while (collecting) await collectGarbage(registry, { ageMsMin: 0, now: Date.now() + hour });
    })();
    let stored = 0;
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        layers.map(async (bytes) => {
          for (let attempt = 0; attempt < 200; attempt++) {
            try {
              const manifest = await manifestOf('raced', await push('raced', bytes));
              await registry.manifests.put('raced', manifest);
              const needs = (await registry.manifests.head('raced', manifest.digest))?.blobs ?? [];
              for (const digest of needs)
                expect(await registry.links.documents.get(`raced/${digest}`)).toBeDefined();
              await registry.manifests.remove('raced', manifest.digest);
              stored++;
              return;
            } catch (error) {
              // The push was told that something is missing: right, and it pushes again.
              expect(error).toMatchObject({
                code: expect.stringMatching(/^(MANIFEST_BLOB_UNKNOWN|BLOB_UNKNOWN|conflict)$/) as string,
              });
            }
          }
        }),
      );
    }
    collecting = false;
    await collector;
    expect(stored).toBeGreaterThan(0);
  });
});
