import { createHash } from 'node:crypto';
import { link, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cannot, decodeToken, encodeToken, L3afError } from '@l3af/contracts';
import { isErrno, namesIn, unlinkIfThere, writeTemporary } from './files';
import type { Temporary } from './files';
import type { Records, StateRecord } from './state';

/** A folder's name is at most 255 bytes: longer keys go on in a folder below, and `+`, which no token has, says so. */
const nameBytesMax = 200;
const goesOn = '+';

/**
 * Records as files: one folder per key, one file per revision, the highest counts, and an empty one is a
 * deletion. Making a revision is a hard link, which fails when the name exists: compare-and-set between
 * processes without locks.
 */
export class DirectoryRecords implements Records {
  constructor(
    private readonly root: string,
    private readonly temporary: Temporary,
  ) {}

  async get(key: string): Promise<StateRecord | undefined> {
    const found = await this.newest(key);
    return found && found.value.length > 0 ? found : undefined;
  }

  async create(key: string, value: Uint8Array): Promise<number> {
    const found = await this.newest(key);
    if (found && found.value.length > 0) throw conflict(key);
    return this.write(key, value, (found?.revision ?? 0) + 1);
  }

  async update(key: string, value: Uint8Array, revision: number): Promise<number> {
    const found = await this.get(key);
    if (found?.revision !== revision) throw conflict(key);
    return this.write(key, value, revision + 1);
  }

  async delete(key: string, revision: number): Promise<void> {
    await this.update(key, new Uint8Array(), revision);
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for (const shard of await namesIn(this.root)) await this.collect(join(this.root, shard), '', keys);
    return keys.sort();
  }

  private async collect(folder: string, token: string, keys: string[]): Promise<void> {
    for (const name of await namesIn(folder)) {
      const path = join(folder, name);
      if (name.endsWith(goesOn)) await this.collect(path, token + name.slice(0, -1), keys);
      else if (await isLive(path)) keys.push(decodeToken(token + name));
    }
  }

  private folder(key: string): string {
    const shard = createHash('sha256').update(key).digest('hex').slice(0, 2);
    const token = encodeToken(key);
    const names: string[] = [];
    for (let at = 0; at < token.length; at += nameBytesMax) names.push(token.slice(at, at + nameBytesMax));
    return join(this.root, shard, ...names.map((name, at) => (at < names.length - 1 ? name + goesOn : name)));
  }

  private async newest(key: string): Promise<StateRecord | undefined> {
    const folder = this.folder(key);
    for (;;) {
      const revision = revisionsOf(await namesIn(folder)).at(-1);
      if (revision === undefined) return undefined;
      try {
        return { value: await readFile(join(folder, String(revision))), revision };
      } catch (error) {
        // A newer revision has taken its place since; look again.
        if (!isErrno(error, 'ENOENT')) throw error;
      }
    }
  }

  private async write(key: string, value: Uint8Array, revision: number): Promise<number> {
    const folder = this.folder(key);
    await mkdir(folder, { recursive: true });
    const temporary = await writeTemporary(this.temporary, value);
    try {
      await link(temporary, join(folder, String(revision)));
    } catch (error) {
      if (isErrno(error, 'EEXIST')) throw conflict(key);
      throw error;
    } finally {
      await unlinkIfThere(temporary);
    }
    return this.settle(key, revision);
  }

  /** A writer that slept since its read may have linked a revision that others have passed and swept. */
  private async settle(key: string, mine: number): Promise<number> {
    const folder = this.folder(key);
    const revisions = revisionsOf(await namesIn(folder));
    const newest = revisions.at(-1) ?? mine;
    for (const revision of revisions)
      if (revision < newest) await unlinkIfThere(join(folder, String(revision)));
    if (newest > mine) throw conflict(key);
    return mine;
  }
}

const revisionsOf = (names: string[]): number[] =>
  names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);

async function isLive(folder: string): Promise<boolean> {
  const revision = revisionsOf(await namesIn(folder)).at(-1);
  if (revision === undefined) return false;
  const found = await stat(join(folder, String(revision))).catch(() => undefined);
  // Replaced between the two looks: it was changed, so it is there.
  return found === undefined || found.size > 0;
}

const conflict = (key: string): L3afError =>
  new L3afError('conflict', cannot('store', 'record', key, 'it has changed meanwhile'));
