import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { L3afError } from '@l3af/contracts';
import { type Blob, checkDigest, type Descriptor, digestOf, RegistryClient } from '@l3af/oci';
import { z } from 'zod';

const storedManifestSchema = z.object({ mediaType: z.string(), base64: z.string() });
const storedReferrersSchema = z.array(
  z.object({ mediaType: z.string(), digest: z.string(), size: z.number() }).loose(),
);

/**
 * A registry client that keeps what it pulled on disk. What is named by digest is never asked for again; what can
 * change (signature tags, lists of referrers) is asked for and only taken from the disk while the registry is away.
 * The disk is not trusted: everything is held against its digest, and signatures are verified, on every read.
 */
export class CachingRegistryClient extends RegistryClient {
  constructor(
    url: string,
    private readonly folder: string,
  ) {
    super(url, { timeoutMs: 15_000 });
    mkdirSync(folder, { recursive: true });
  }

  override async getManifest(name: string, reference: string): Promise<Blob> {
    const id = `manifest ${name} ${reference}`;
    const pull = async (): Promise<Blob> => {
      const manifest = await super.getManifest(name, reference);
      const base64 = Buffer.from(manifest.bytes).toString('base64');
      this.write(id, JSON.stringify({ mediaType: manifest.mediaType, base64 }));
      return manifest;
    };
    const stored = (): Blob => {
      const { mediaType, base64 } = storedManifestSchema.parse(JSON.parse(this.read(id).toString('utf8')));
      const bytes = Buffer.from(base64, 'base64');
      if (reference.includes(':')) checkDigest(bytes, reference);
      return { bytes, mediaType, digest: digestOf(bytes) };
    };
    return reference.includes(':') ? (tried(stored) ?? pull()) : orWhileAway(pull, stored);
  }

  override async getBlob(name: string, digest: string, bytesMax: number): Promise<Uint8Array> {
    const id = `blob ${digest}`;
    const stored = tried(() => {
      const bytes = this.read(id);
      checkDigest(bytes, digest);
      return bytes;
    });
    if (stored && stored.length <= bytesMax) return stored;
    const bytes = await super.getBlob(name, digest, bytesMax);
    this.write(id, bytes);
    return bytes;
  }

  override async referrers(name: string, digest: string, artifactType?: string): Promise<Descriptor[]> {
    const id = `referrers ${name} ${digest} ${artifactType ?? ''}`;
    const pull = async (): Promise<Descriptor[]> => {
      const found = await super.referrers(name, digest, artifactType);
      this.write(id, JSON.stringify(found));
      return found;
    };
    return orWhileAway(
      pull,
      () => storedReferrersSchema.parse(JSON.parse(this.read(id).toString('utf8'))) as Descriptor[],
    );
  }

  private path(id: string): string {
    return join(this.folder, createHash('sha256').update(id).digest('hex'));
  }

  private read(id: string): Buffer {
    const path = this.path(id);
    const bytes = readFileSync(path);
    const now = new Date();
    utimesSync(path, now, now); // what is used stays when the cache is trimmed
    return bytes;
  }

  private write(id: string, bytes: string | Uint8Array): void {
    const path = this.path(id);
    writeFileSync(`${path}.part`, bytes);
    renameSync(`${path}.part`, path);
  }
}

/** A cache entry that is absent or damaged is no entry. */
function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

async function orWhileAway<T>(pull: () => Promise<T>, stored: () => T): Promise<T> {
  try {
    return await pull();
  } catch (error) {
    const away = error instanceof L3afError && error.code === 'registry-unavailable';
    const kept = away ? tried(stored) : undefined;
    if (kept === undefined) throw error;
    return kept;
  }
}
