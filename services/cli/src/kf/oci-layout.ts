import { createReadStream } from 'node:fs';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { L3afError, cannot } from '@l3af/contracts';
import { checkDigest, imageIndexSchema, parseDocument, type ContentSource, type ImageIndex } from '@l3af/oci';
import { extract, pack } from 'tar-stream';

const blobPath = /^blobs\/(sha256|sha512)\/([0-9a-f]{64,128})$/;
/** A package with everything attached; larger ones are for a registry. */
const entryBytesMax = 1024 ** 3;

/** Unpacks the tar archive of an OCI layout into an empty or new folder; every blob is held against its digest. */
export async function unpackLayout(archive: AsyncIterable<Uint8Array>, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0)
    throw new L3afError('invalid-request', cannot('pull into', 'folder', folder, 'it is not empty'), {
      hint: 'Name a new folder',
    });
  const entries = extract();
  const source = Readable.from(archive);
  source.on('error', (error) => entries.destroy(error));
  source.pipe(entries);
  for await (const entry of entries) {
    const name = entry.header.name.replace(/^\.\//, '');
    const blob = blobPath.exec(name);
    // Nothing of a name is used that is not of this form.
    if (!blob && name !== 'index.json' && name !== 'oci-layout') {
      entry.resume();
      continue;
    }
    const bytes = await contentOf(entry as AsyncIterable<Uint8Array>);
    if (blob) {
      checkDigest(bytes, `${blob[1]!}:${blob[2]!}`);
      await mkdir(join(folder, 'blobs', blob[1]!), { recursive: true });
    }
    await writeFile(join(folder, name), bytes);
  }
}

async function contentOf(entry: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of entry) {
    size += chunk.length;
    if (size > entryBytesMax)
      throw new L3afError(
        'payload-too-large',
        `Cannot unpack archive: an entry has over ${entryBytesMax} bytes`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function readIndex(folder: string): Promise<ImageIndex> {
  return parseDocument(imageIndexSchema, await readFile(join(folder, 'index.json')), 'index.json');
}

/** The blobs of a layout, for reading images from it. */
export function layoutSource(folder: string, index: ImageIndex): ContentSource {
  const blob = (digest: string): Promise<Uint8Array> => readFile(join(folder, 'blobs', ...digest.split(':')));
  return {
    manifest: async (digest) => {
      const bytes = await blob(digest);
      const listed = index.manifests.find((one) => one.digest === digest)?.mediaType;
      const { mediaType = listed ?? '' } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
        mediaType?: string;
      };
      return { bytes, mediaType };
    },
    blob,
  };
}

export const isLayout = (folder: string): Promise<boolean> =>
  stat(join(folder, 'index.json')).then(
    () => true,
    () => false,
  );

/** The tar archive of a layout in a folder; what else is in the folder stays there. */
export function packLayout(folder: string): AsyncIterable<Uint8Array> {
  const archive = pack();
  write(folder, archive).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return archive as unknown as AsyncIterable<Uint8Array>;
}

async function write(folder: string, archive: ReturnType<typeof pack>): Promise<void> {
  const names = ['index.json'];
  for (const algorithm of await readdir(join(folder, 'blobs')))
    for (const digest of await readdir(join(folder, 'blobs', algorithm)))
      names.push(`blobs/${algorithm}/${digest}`);
  archive.entry({ name: 'oci-layout', mtime: new Date(0) }, '{"imageLayoutVersion":"1.0.0"}');
  for (const name of names) {
    const { size } = await stat(join(folder, name));
    await new Promise<void>((resolve, reject) => {
      const entry = archive.entry({ name, size, mtime: new Date(0) }, (error) =>
        error ? reject(error) : resolve(),
      );
      createReadStream(join(folder, name)).on('error', reject).pipe(entry);
    });
  }
}
