import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { archiveFolder } from './folder-archive';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'l3af-cli-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(folder: string, files: Record<string, string>): string {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
  }
  return join(root, folder);
}

async function namesIn(content: Uint8Array): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Readable.from([gunzipSync(content)]).pipe(extract())) {
    names.push(entry.header.name);
    entry.resume();
  }
  return names;
}

describe('archive of a folder', () => {
  test('the same files give the same bytes, whatever their times and the order they were made in', async () => {
    const one = write('one', { 'a.bpf.c': 'int a;', 'sub/b.h': 'int b;' });
    const two = write('two', { 'sub/b.h': 'int b;', 'a.bpf.c': 'int a;' });
    utimesSync(join(two, 'a.bpf.c'), 1, 1);
    expect((await archiveFolder(one)).content).toEqual((await archiveFolder(two)).content);
    writeFileSync(join(two, 'a.bpf.c'), 'int c;');
    expect((await archiveFolder(one)).content).not.toEqual((await archiveFolder(two)).content);
  });

  test('leaves out repositories, dependencies and objects; follows links, also those that lead around', async () => {
    write('shared', { 'common.h': '' });
    const folder = write('kf', {
      'x.bpf.c': '',
      'x.bpf.o': '',
      '.git/HEAD': '',
      'node_modules/y/z.c': '',
      '.clang-format': '',
    });
    symlinkSync(join(root, 'shared'), join(folder, 'include'));
    symlinkSync(folder, join(folder, 'self'));
    symlinkSync(join(folder, 'gone'), join(folder, 'nowhere'));
    const { content, fileCount } = await archiveFolder(folder);
    expect(await namesIn(content)).toEqual(['.clang-format', 'include/common.h', 'x.bpf.c']);
    expect(fileCount).toBe(3);
  });

  test('one file is a source of its own', async () => {
    const folder = write('kf', { 'x.bpf.c': '', 'y.bpf.c': '' });
    expect(await namesIn((await archiveFolder(join(folder, 'x.bpf.c'))).content)).toEqual(['x.bpf.c']);
  });

  test('a folder that is missing, empty or too large is refused', async () => {
    await expect(archiveFolder(join(root, 'none'))).rejects.toMatchObject({ code: 'source-unavailable' });
    mkdirSync(join(root, 'empty'));
    await expect(archiveFolder(join(root, 'empty'))).rejects.toMatchObject({ code: 'source-unavailable' });
    const limits = { files: 2, sizeBytesMax: 10 };
    const large = write('large', { 'a.h': 'x'.repeat(11) });
    await expect(archiveFolder(large, limits)).rejects.toMatchObject({ code: 'payload-too-large' });
    const many = write('many', { 'a.h': '', 'b.h': '', 'c.h': '' });
    await expect(archiveFolder(many, limits)).rejects.toMatchObject({ code: 'payload-too-large' });
  });
});
