import { access, chmod, chown, mkdir, readdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cannot, L3afError } from '@l3af/contracts';
import { fetchLimits, sourceLimits } from '../sandbox/limits';
import { type Bind, runInSandbox, sandboxUser, type SandboxResult } from '../sandbox/sandbox';
import { locate } from '../sandbox/toolchain';

/** Where git runs. */
export interface GitPlace {
  /** What is fetched ends up here. */
  folder: string;
  /** git's own folder: its settings, and what ssh needs. */
  home: string;
  /** `file` reads the builder's disk; the others the network. Nothing has both. */
  transport: string;
  env: Record<string, string>;
  signal: AbortSignal | undefined;
}

export type RunGit = (args: string[]) => Promise<SandboxResult>;

/** What names are looked up by, and whom TLS trusts. The host's users are not among it: ssh gets a list of its own. */
const network = [
  ...['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf', '/etc/host.conf', '/etc/gai.conf'],
  ...['/etc/services', '/etc/ssl/certs', '/etc/ca-certificates', '/usr/share/ca-certificates'],
];
const system = ['/usr', '/bin', '/lib', '/lib64', '/sbin'];

/**
 * Prepares git in the sandbox: with the network and without the host's files, or, for a file URL, with the host's files and without a
 * network. It may write to its two folders only, and has no privileges.
 */
export async function gitSandbox(place: GitPlace): Promise<RunGit> {
  const { folder, home, transport, env, signal } = place;
  const readsDisk = transport === 'file';
  const user = readsDisk ? String(process.getuid?.() ?? 0) : sandboxUser();
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(join(home, 'passwd'), `git:x:${user}:${user}::${home}:/bin/false\n`);
  await chmod(folder, 0o755); // it starts there before it is somebody else
  if (process.getuid?.() === 0) {
    const owned = [folder, home, ...(await readdir(home)).map((name) => join(home, name))];
    for (const path of owned) await chown(path, Number(user), Number(user));
  }
  const binds = readsDisk ? await diskBinds() : await networkBinds(home);
  const deadline = Date.now() + sourceLimits.fetchMs;
  const git = await locate('git', 'git').catch((cause: unknown) => {
    throw new L3afError(
      'toolchain-missing',
      cannot('run', 'program', 'git', 'it is not installed, needs git'),
      { cause },
    );
  });
  return (args) =>
    runInSandbox({
      ...{ command: [git, ...args], binds, folder, env, user, signal },
      ...{ network: !readsDisk, readsAll: readsDisk, devices: ['null', 'urandom'], writable: [folder, home] },
      limits: { ...fetchLimits, wallMs: Math.max(1, deadline - Date.now()) },
    });
}

const diskBinds = (): Promise<Bind[]> => Promise.resolve([{ from: '/', to: '/' }]);

async function networkBinds(home: string): Promise<Bind[]> {
  const places = await Promise.all(
    [...system, ...network].map(async (path) => ((await isThere(path)) ? [path] : [])),
  );
  const binds = await Promise.all(places.flat().map(async (to) => ({ from: await realpath(to), to })));
  return [...binds, { from: join(home, 'passwd'), to: '/etc/passwd' }];
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
