import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diagnosticSchema } from '@l3af/contracts';
import { z } from 'zod';
import type { Toolchain } from '../sandbox/toolchain';
import type { Compiled } from './compile';

/** Raised when what is kept under a key changes its form. */
const format = 1;

const headSchema = z.object({
  /** Of the object that follows. */
  sha256: z.string(),
  diagnostics: diagnosticSchema.array(),
  log: z.string(),
  command: z.string().array(),
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * What the compiler made of which source, flags and headers, on disk and bounded: the longest unused goes first. Several
 * builders may share a folder. An entry that is damaged is none.
 */
export class CompileCache {
  constructor(
    private readonly folder: string,
    private readonly bytesMax: number,
  ) {}

  async get(key: string): Promise<Compiled | undefined> {
    const path = join(this.folder, key);
    try {
      const bytes = await readFile(path);
      const end = bytes.indexOf(10);
      const head: unknown = JSON.parse(bytes.subarray(0, end).toString('utf8'));
      const { sha256: sum, ...rest } = headSchema.parse(head);
      const object = new Uint8Array(bytes.subarray(end + 1));
      if (sha256(object) !== sum) return undefined;
      const now = new Date();
      await utimes(path, now, now);
      return { object, ...rest };
    } catch {
      return undefined; // not there, removed meanwhile, or damaged: compiled again
    }
  }

  async put(key: string, { object, ...rest }: Compiled): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const head = Buffer.from(`${JSON.stringify({ sha256: sha256(object), ...rest })}\n`);
    const path = join(this.folder, `${key}.${randomUUID()}.new`);
    await writeFile(path, Buffer.concat([head, object]), { mode: 0o600 });
    await rename(path, join(this.folder, key));
    await this.#trim();
  }

  async #trim(): Promise<void> {
    const names = await readdir(this.folder);
    const found = await Promise.all(names.map((name) => this.#entry(name)));
    const entries = found.filter((entry) => entry !== undefined).sort((a, b) => b.usedMs - a.usedMs);
    let totalBytes = 0;
    for (const { name, sizeBytes } of entries) {
      totalBytes += sizeBytes;
      if (totalBytes > this.bytesMax) await rm(join(this.folder, name), { force: true });
    }
  }

  async #entry(name: string): Promise<{ name: string; sizeBytes: number; usedMs: number } | undefined> {
    const info = await stat(join(this.folder, name)).catch(() => undefined);
    return info && { name, sizeBytes: info.size, usedMs: info.mtimeMs };
  }
}

/** Everything that an object depends on: the given inputs (digests of source and headers), the command, and the system's part. */
export async function cacheKey(
  inputs: readonly string[],
  command: readonly string[],
  toolchain: Toolchain,
): Promise<string> {
  const system = await systemStamp(toolchain);
  return sha256(Buffer.from(JSON.stringify([format, inputs, command, toolchain.version, system])));
}

/** Changes whenever the compiler or any package that may bring headers is installed anew. */
async function systemStamp({ clang, systemIncludes }: Toolchain): Promise<unknown[]> {
  const paths = [clang, '/var/lib/dpkg/status', ...systemIncludes, '/usr/include/bpf', '/usr/include/linux'];
  return Promise.all(
    paths.map(async (path) => {
      const info = await stat(path).catch(() => undefined);
      return [path, info?.size, info?.mtimeMs];
    }),
  );
}
