import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { archiveSource } from './source-archive';

describe('a source', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'l3af-source-'));
    writeFileSync(join(folder, 'drop.bpf.c'), 'int one;\n');
    execFileSync('tar', ['-czf', 'drop.tar.gz', 'drop.bpf.c'], { cwd: folder });
    execFileSync('tar', ['-cf', 'drop.tar', 'drop.bpf.c'], { cwd: folder });
    writeFileSync(join(folder, 'drop.tar.xz'), Buffer.from('fd377a585a000004', 'hex'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function namesIn(content: Uint8Array): Promise<string[]> {
    const archive = extract();
    archive.end(gunzipSync(content));
    const names: string[] = [];
    for await (const entry of archive) {
      names.push(entry.header.name);
      entry.resume();
    }
    return names;
  }

  it.each(['drop.tar.gz', 'drop.tar', 'drop.bpf.c'])('may be %s', async (name) => {
    const { content, fileName } = await archiveSource(join(folder, name));
    expect(await namesIn(content)).toEqual(['drop.bpf.c']);
    expect(fileName).toBe(`${name.replace('.tar.gz', '').replace('.tar', '')}.tar.gz`);
  });

  it('is refused with what it is when it is another kind of archive', async () => {
    await expect(archiveSource(join(folder, 'drop.tar.xz'))).rejects.toMatchObject({
      code: 'source-unavailable',
      message: expect.stringContaining('it is an xz archive'),
    });
  });
});
