import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GitServer, startHttpsGit } from '../testing/git-servers';
import { gitSandbox } from './git-sandbox';

/** What somebody could do who had taken over git: an alias runs a shell. */
describe("git's sandbox", () => {
  let folder: string;
  let home: string;
  let elsewhere: string;
  let server: GitServer;
  beforeEach(async () => {
    [folder, home, elsewhere] = (await Promise.all(
      ['source', 'home', 'other'].map((name) => mkdtemp(join(tmpdir(), `l3af-git-${name}-`))),
    )) as [string, string, string];
    await writeFile(join(elsewhere, 'secret'), 'of another build');
    server = await startHttpsGit();
  });
  afterEach(async () => {
    await server.stop();
    for (const path of [folder, home, elsewhere]) await rm(path, { recursive: true, force: true });
  });

  async function attack(transport: 'https' | 'file', script: string): Promise<string> {
    const env = { PATH: '/usr/bin:/bin', HOME: home, GIT_CONFIG_NOSYSTEM: '1' };
    const git = await gitSandbox({ folder, home, transport, env, signal: undefined });
    const { stdout, stderr } = await git(['-c', `alias.attack=!${script}`, 'attack']);
    return `${stdout.toString()}${stderr}`;
  }
  const write = (): string =>
    `for d in / /usr /etc /tmp ${elsewhere} ${folder} ${home}; do touch $d/l3af-was-here 2>/dev/null && echo "WROTE $d"; done`;
  const wrote = (said: string): string[] =>
    said.split('\n').flatMap((line) => /^WROTE (.*)/.exec(line)?.[1] ?? []);

  it('has the network, and of the host only programs and what names are looked up by', async () => {
    const seen = await attack(
      'https',
      `ls -a / /root /home /proc /sys /var /run ${elsewhere}; ls /etc /dev; cat /etc/passwd; id -u`,
    );
    for (const place of ['/root', '/home', '/proc', '/sys', '/var', '/run', elsewhere])
      expect(seen).toMatch(new RegExp(`cannot access '${place}'`));
    expect(seen).not.toMatch(/shadow|root:x:0/);
    expect(seen).not.toMatch(/^0$/m);
    expect(wrote(await attack('https', write()))).toEqual([folder, home]);
    const probe = `git -c http.sslVerify=false ls-remote ${server.url('/x')}`;
    expect(await attack('https', probe)).toContain('could not read Username');
  });

  it('has the disk for a file URL, and then no network', async () => {
    expect(await attack('file', `cat ${elsewhere}/secret`)).toBe('of another build');
    expect(wrote(await attack('file', write()))).toEqual([folder, home]);
    const probe = `git -c http.sslVerify=false ls-remote ${server.url('/x')}`;
    expect(await attack('file', probe)).toMatch(/unable to access|Could.n.t connect|unreachable/);
  });

  it('has no privileges, and ends with its limits', async () => {
    const status = await attack(
      'file',
      'grep CapEff /proc/self/status; mount -t tmpfs none /mnt 2>&1; chown 1 /tmp 2>&1',
    );
    expect(status).toContain('CapEff:\t0000000000000004'); // reads what others own, and no more
    expect(status).toMatch(/mount: .*(permission denied|must be superuser)/i);
    expect(await attack('https', `cat /dev/urandom > ${folder}/large; stat -c %s ${folder}/large`)).toContain(
      String(128 * 1024 * 1024),
    );
  });
});
