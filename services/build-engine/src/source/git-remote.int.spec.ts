import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buckets } from '@l3af/contracts';
import { freePort, skipUnless, startNats } from '@l3af/testing';
import { startEngine, type TestEngine } from '../testing/engine';
import { makeRepository, type TestRepository } from '../testing/git-repository';
import { type GitServer, startHttpsGit, startSshGit } from '../testing/git-servers';
import { fetchSource } from './fetch-source';

const source = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int pass(void *c) { return XDP_PASS; }
char l[] SEC("license") = "GPL";
`;

describe('a git source elsewhere', () => {
  let repository: TestRepository;
  let commit: string;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'l3af-credentials-'));
    repository = makeRepository();
    commit = repository.commit({ 'kf.bpf.c': source });
  });
  afterAll(async () => {
    repository.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const give = (name: string, secret: string): Promise<void> =>
    writeFile(join(folder, name), secret, { mode: 0o600 });
  async function fetched(
    url: string,
    more: { credential?: string; authorities?: string; known?: string } = {},
  ) {
    const workDir = await mkdtemp(join(tmpdir(), 'l3af-fetch-'));
    const said: string[] = [];
    if (more.known !== undefined) await give('known_hosts', more.known);
    else await rm(join(folder, 'known_hosts'), { force: true });
    try {
      const result = await fetchSource(
        { kind: 'git', url, credential: more.credential },
        {
          ...{ workDir, credentialsDir: folder, gitAuthorities: more.authorities },
          readObject: () => Promise.reject(new Error('no object')),
          signal: new AbortController().signal,
          say: (line) => void said.push(line),
        },
      );
      return { commit: result.commit, files: await readdir(result.folder), said };
    } finally {
      await rm(workDir, { recursive: true, force: true });
    }
  }

  describe('over https', () => {
    let server: GitServer;
    let authorities: string;
    beforeAll(async () => {
      server = await startHttpsGit();
      authorities = join(folder, 'authorities.pem');
      await writeFile(authorities, server.proof);
      await give('reader', 'user:pass word\n');
      await give('stranger', 'user:wrong');
    });
    afterAll(() => server.stop());

    it('is fetched with a credential that is named, from a host that the builder believes', async () => {
      const { said, ...found } = await fetched(server.url(repository.folder), {
        credential: 'reader',
        authorities,
      });
      expect(found).toMatchObject({ commit, files: ['kf.bpf.c'] });
      expect(said.join('\n')).not.toContain('pass word');
    });

    it('is refused without a credential, with a wrong one, and with one that the builder does not have', async () => {
      const url = server.url(repository.folder);
      const refused = (credential?: string) =>
        fetched(url, { ...(credential && { credential }), authorities });
      const denied = {
        code: 'source-unavailable',
        message: expect.stringContaining('the server refuses access'),
      };
      await expect(refused()).rejects.toMatchObject(denied);
      await expect(refused('stranger')).rejects.toMatchObject(denied);
      await expect(refused('nobody')).rejects.toMatchObject({
        message: expect.stringContaining('the builder holds none of this name'),
      });
    });

    it('is refused from a host that nobody vouches for', async () => {
      await expect(fetched(server.url(repository.folder), { credential: 'reader' })).rejects.toMatchObject({
        code: 'source-unavailable',
        message: expect.stringContaining('certificate'),
      });
    });
  });

  describe('over ssh', () => {
    const it = skipUnless(existsSync('/usr/sbin/sshd') && process.getuid?.() === 0, 'sshd is not installed');
    let server: Awaited<ReturnType<typeof startSshGit>> | undefined;
    beforeAll(async () => {
      if (!existsSync('/usr/sbin/sshd') || process.getuid?.() !== 0) return;
      server = await startSshGit(await freePort());
      await give('key', server.privateKey);
    });
    afterAll(() => server?.stop());
    const url = (): string => server?.url(repository.folder) ?? '';

    it('is fetched with a key that is named', async () => {
      expect(await fetched(url(), { credential: 'key' })).toMatchObject({ commit, files: ['kf.bpf.c'] });
      const known = await fetched(url(), { credential: 'key', known: server?.proof ?? '' });
      expect(known).toMatchObject({ commit });
    });

    it('is refused without the key, and from a host with another key than is known', async () => {
      await expect(fetched(url())).rejects.toMatchObject({
        code: 'source-unavailable',
        message: expect.stringContaining('the server refuses access'),
      });
      const other = (server?.proof ?? '').replace(
        / AAAA.*/,
        ` ${'AAAAC3NzaC1lZDI1NTE5AAAAI'.padEnd(68, 'A')}`,
      );
      await expect(fetched(url(), { credential: 'key', known: other })).rejects.toMatchObject({
        message: expect.stringContaining('none of those in the known_hosts'),
      });
    });
  });

  it('leaves no secret in events, logs and packages', async () => {
    const server = await startHttpsGit();
    const engine: TestEngine = await startEngine({ nats: await startNats(), registryPort: await freePort() });
    try {
      await give('reader', 'user:pass word\n');
      const authorities = join(folder, 'authorities.pem');
      await writeFile(authorities, server.proof);
      Object.assign(engine.settings, { credentialsDir: folder, gitAuthorities: authorities });
      await engine.worker();
      const url = server.url(repository.folder);
      await engine.request('private', { kind: 'git', url, credential: 'reader' }, { name: 'private' });
      const outcome = await engine.outcome('private');
      expect(outcome).toMatchObject({ type: 'BuildSucceeded', data: { name: 'private' } });
      await engine.request('denied', { kind: 'git', url, credential: 'stranger' }, { name: 'denied' });
      const denied = await engine.outcome('denied');
      expect(denied).toMatchObject({ type: 'BuildFailed', data: { error: { code: 'source-unavailable' } } });
      const kept: string[] = [JSON.stringify([engine.progress('private'), engine.progress('denied')])];
      for await (const stored of engine.bus.store.read()) kept.push(JSON.stringify(stored));
      for (const { data } of [outcome, denied])
        kept.push(Buffer.from(await engine.bus.objects(buckets.logs).get(data.log?.digest ?? '')).toString());
      const text = kept.join('\n');
      expect(text).toContain('fetching HEAD of https://127.0.0.1');
      const secrets = ['pass word', 'wrong', Buffer.from('user:pass word').toString('base64')];
      for (const secret of secrets) expect(text).not.toContain(secret);
      expect((await readdir(engine.settings.workDir)).filter((name) => /^\d+-/.test(name))).toEqual([]);
      expect(await readFile(join(folder, 'reader'), 'utf8')).toBe('user:pass word\n');
    } finally {
      await engine.stop();
      await server.stop();
    }
  });
});
