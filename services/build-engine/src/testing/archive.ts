import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

/** A tar.gz of files by path; `{ link }` for symbolic links, `{ header }` for what no honest archive has. */
export type ArchiveEntry = string | Uint8Array | { link: string } | { header: Partial<Header> };

export async function archiveOf(entries: Record<string, ArchiveEntry>): Promise<Uint8Array> {
  const packing = pack();
  for (const [name, entry] of Object.entries(entries)) {
    if (typeof entry === 'string' || entry instanceof Uint8Array) packing.entry({ name }, Buffer.from(entry));
    else if ('link' in entry) packing.entry({ name, type: 'symlink', linkname: entry.link });
    else packing.entry({ name, ...entry.header });
  }
  packing.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packing) chunks.push(chunk as Buffer);
  return new Uint8Array(gzipSync(Buffer.concat(chunks)));
}
