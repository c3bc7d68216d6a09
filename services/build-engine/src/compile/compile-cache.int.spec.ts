import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundledHeaders } from '../sandbox/bundled-headers';
import { compile, type Compiled } from './compile';
import { CompileCache } from './compile-cache';

const object = (size: number): Compiled => ({
  object: new Uint8Array(size).fill(10),
  diagnostics: [{ severity: 'warning', file: 'a.bpf.c', line: 3, message: 'unused' }],
  log: 'two\nlines',
  command: ['clang', 'a.bpf.c'],
});

describe('the cache of compiled objects', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'l3af-cache-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gives back what was put, and nothing of what is damaged or not there', async () => {
    const cache = new CompileCache(folder, 1_000_000);
    await cache.put('k', object(100));
    expect(await cache.get('k')).toEqual(object(100));
    expect(await cache.get('other')).toBeUndefined();
    const bytes = await readFile(join(folder, 'k'));
    await writeFile(join(folder, 'k'), bytes.subarray(0, bytes.length - 1));
    expect(await cache.get('k')).toBeUndefined();
  });

  it('is bounded: the longest unused goes first', async () => {
    const cache = new CompileCache(folder, 3_000);
    for (const [index, key] of ['a', 'b'].entries()) {
      await cache.put(key, object(1_000));
      await utimes(join(folder, key), index + 1, index + 1);
    }
    expect(await cache.get('a')).toBeDefined();
    await cache.put('c', object(1_000));
    expect((await readdir(folder)).sort()).toEqual(['a', 'c']);
  });

  it('spares the compiler what it did before, and nothing else', async () => {
    const source = join(folder, 'source');
    await mkdir(source, { mode: 0o755 });
    const cache = new CompileCache(join(folder, 'cache'), 1_000_000);
    const run = async (digest: string, flags: string[] = []): Promise<Uint8Array> => {
      const request = {
        folder: source,
        source: 'a.bpf.c',
        target: { architecture: 'amd64', cpu: 'v2' } as const,
      };
      const more = { flags, headers: bundledHeaders(undefined), workDir: folder };
      const compiled = await compile({ ...request, ...more, cache: { store: cache, inputs: [digest] } });
      return compiled.object;
    };
    const write = (value: number): Promise<void> =>
      writeFile(join(source, 'a.bpf.c'), `int f(void) { return ${value}; }\n`, { mode: 0o644 });
    await write(1);
    const first = await run('one');
    await write(2);
    expect(await run('one')).toEqual(first);
    const second = await run('two');
    expect(second).not.toEqual(first);
    expect(await run('one', ['-O1'])).toEqual(second);
    await writeFile(join(source, 'a.bpf.c'), 'broken');
    await expect(run('three')).rejects.toMatchObject({ code: 'build-failed' });
    await expect(run('three')).rejects.toMatchObject({ code: 'build-failed' });
  });
});
