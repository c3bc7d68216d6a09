import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRepository, type TestRepository } from '../testing/git-repository';
import { fetchSource, type FetchedSource } from './fetch-source';

describe('a git source', () => {
  let repository: TestRepository;
  let library: TestRepository;
  let first: string;
  let second: string;
  beforeAll(() => {
    library = makeRepository();
    library.commit({ 'shared.h': 'int shared;\n' });
    repository = makeRepository();
    first = repository.commit({ 'kf.bpf.c': 'int one;\n', 'sub/other.bpf.c': 'int other;\n' });
    repository.git('tag', '--annotate', 'v1', '--message', 'one');
    second = repository.commit({ 'kf.bpf.c': 'int two;\n' });
    repository.git('branch', 'feature/x', first);
  });
  afterAll(() => {
    repository.remove();
    library.remove();
  });

  async function fetched<T>(
    ref: string | undefined,
    use: (source: FetchedSource) => T | Promise<T>,
    folder?: string,
  ): Promise<T> {
    const workDir = await mkdtemp(join(tmpdir(), 'l3af-fetch-'));
    try {
      const source = await fetchSource(
        { kind: 'git', url: repository.url, ref, folder },
        {
          workDir,
          readObject: () => Promise.reject(new Error('no object')),
          credentialsDir: undefined,
          gitAuthorities: undefined,
          signal: new AbortController().signal,
          say: () => undefined,
        },
      );
      return await use(source);
    } finally {
      await rm(workDir, { recursive: true, force: true });
    }
  }
  const commitOf = (ref: string | undefined) => fetched(ref, ({ commit }) => commit);

  it('is fetched by branch, tag and commit', async () => {
    expect(await commitOf(undefined)).toBe(second);
    expect(await commitOf('main')).toBe(second);
    expect(await commitOf('feature/x')).toBe(first);
    expect(await commitOf('v1')).toBe(first);
    expect(await commitOf(first)).toBe(first);
    expect(await commitOf(first.slice(0, 8))).toBe(first);
    await expect(commitOf('nowhere')).rejects.toMatchObject({ code: 'source-unavailable' });
    await expect(commitOf('0'.repeat(40))).rejects.toMatchObject({ code: 'source-unavailable' });
  });

  it('has the digest of its files, wherever and whenever it is fetched', async () => {
    const digest = (ref: string) => fetched(ref, ({ sourceDigest }) => sourceDigest);
    expect(await digest('v1')).toBe(await digest('feature/x'));
    expect(await digest('v1')).not.toBe(await digest('main'));
    const paths = await fetched('main', ({ entries }) => entries.map(({ path }) => path));
    expect(paths).toEqual(['kf.bpf.c', 'sub/other.bpf.c']);
  });

  it('may be a folder of a repository', async () => {
    expect(await fetched('main', ({ folder }) => readdir(folder), 'sub')).toEqual(['other.bpf.c']);
  });

  it('brings its submodules', async () => {
    repository.git('submodule', '--quiet', 'add', library.url, 'library');
    repository.commit({});
    const paths = await fetched('main', ({ entries }) => entries.map(({ path }) => path));
    expect(paths).toContain('library/shared.h');
  });
});
