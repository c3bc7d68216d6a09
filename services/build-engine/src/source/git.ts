import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cannot, L3afError } from '@l3af/contracts';
import { sourceLimits } from '../sandbox/limits';
import type { SandboxResult } from '../sandbox/sandbox';
import { accessEnvironment, type GitCredential, type GitTrust } from './credentials';
import { gitSandbox } from './git-sandbox';
import { checkSizes, tooMuch } from './tree';

export interface GitSource {
  url: string;
  ref?: string | undefined;
}

export interface GitFetch {
  /** An empty folder for the files. */
  folder: string;
  /** A folder for git's own things; deleted with the build. */
  scratch: string;
  credential?: GitCredential | undefined;
  /** Whom git believes beyond the system's authorities. */
  trust?: GitTrust | undefined;
  signal?: AbortSignal | undefined;
  say: (line: string) => void;
}

/** Transports by the URL's scheme. `file` reads the builder's own disk, so only a request itself may name it. */
const schemes: Record<string, string> = { 'https:': 'https', 'ssh:': 'ssh', 'file:': 'file' };

/** The URL as git gets it, and the transports it may use. Credentials in a URL would end up in events and logs. */
export function checkGitUrl(url: string): { transport: string } {
  const scp = /^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!\/\/)\S+$/.test(url);
  if (scp) return { transport: 'ssh' };
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const transport = parsed && schemes[parsed.protocol];
  if (!parsed || transport === undefined) throw unusable(url, 'it is no https, ssh or file URL');
  if (parsed.password !== '' || (transport === 'https' && parsed.username !== '')) {
    const masked = `${parsed.protocol}//***@${parsed.host}${parsed.pathname}`;
    throw unusable(
      masked,
      'it holds a credential, needs `credential` with the name of one that the builder has',
    );
  }
  return { transport };
}

const unusable = (url: string, state: string, cause?: unknown): L3afError =>
  new L3afError('source-unavailable', cannot('fetch', 'git repository', url, state), {
    ...(cause !== undefined && { cause }),
  });

/** Names that git reads as branch, tag or commit, and never as an option or a range. */
const safeRef = /^(?!-)(?!.*(\.\.|@\{|\/\/))[A-Za-z0-9][A-Za-z0-9._/@+-]{0,199}$/;

/**
 * Fetches one commit with its submodules into a folder, without history. Nothing of the repository runs: no hooks, no
 * filters, no transports but the URL's. Returns the commit.
 */
export async function fetchGit(source: GitSource, fetch: GitFetch): Promise<string> {
  const { transport } = checkGitUrl(source.url);
  const ref = source.ref ?? 'HEAD';
  if (!safeRef.test(ref)) throw unusable(source.url, `${JSON.stringify(ref)} is no branch, tag or commit`);
  const git = await prepare(source, fetch, transport);
  await git(['init', '--quiet', '--template=']);
  await git(['remote', 'add', 'origin', '--', source.url]);
  fetch.say(`fetching ${ref} of ${source.url}`);
  const commit = await fetchCommit(git, ref, source.url);
  await checkTree(git, commit);
  await git(['checkout', '--quiet', '--detach', commit]);
  // Only https and ssh submodules for remote repositories: a stranger's repository must not name files of the builder.
  await git([
    'submodule',
    'update',
    '--quiet',
    '--init',
    '--recursive',
    '--depth',
    '1',
    '--recommend-shallow',
  ]);
  await rm(join(fetch.folder, '.git'), { recursive: true, force: true });
  fetch.say(`fetched commit ${commit}`);
  return commit;
}

type Git = (args: string[]) => Promise<string>;

async function fetchCommit(git: Git, ref: string, url: string): Promise<string> {
  try {
    await git(['fetch', '--quiet', '--depth', '1', '--no-tags', 'origin', ref]);
    return (await git(['rev-parse', '--verify', '--quiet', 'FETCH_HEAD^{commit}'])).trim();
  } catch (shallow) {
    if (shallow instanceof L3afError && shallow.code === 'build-limit') throw shallow;
    if (!/^[0-9a-f]{4,64}$/.test(ref)) throw shallow;
  }
  // Abbreviated commits, and servers that give out branches and tags only.
  await git(['fetch', '--quiet', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*']);
  try {
    return (await git(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`])).trim();
  } catch (cause) {
    throw unusable(url, `it has no branch, tag or commit ${JSON.stringify(ref)}`, cause);
  }
}

/** Sizes before the files are written: a small pack can hold a large tree. */
async function checkTree(git: Git, commit: string): Promise<void> {
  const listed = await git(['ls-tree', '-r', '-l', '-z', '--full-tree', commit]);
  let totalBytes = 0;
  const lines = listed.split('\0').filter(Boolean);
  for (const [index, line] of lines.entries()) {
    const [, , , size = '0'] = line.split(/\s+/, 4);
    const fileBytes = size === '-' ? 0 : Number(size);
    totalBytes += fileBytes;
    checkSizes({ entries: index + 1, totalBytes, path: line.slice(line.indexOf('\t') + 1), fileBytes });
  }
}

const configuration = [
  // Nothing of a repository runs, nothing of it changes what git does.
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.protectHFS=true', 'core.protectNTFS=true'],
  ...['transfer.fsckObjects=true', 'gc.auto=0', 'fetch.writeCommitGraph=false'],
];

async function prepare(source: GitSource, fetch: GitFetch, transport: string): Promise<Git> {
  const home = join(fetch.scratch, 'git-home');
  await mkdir(home, { recursive: true, mode: 0o700 });
  const settings = join(home, 'config');
  // Owners do not matter: whoever may name a file URL may read the repository through the builder anyway.
  await writeFile(settings, '[safe]\n\tdirectory = *\n');
  const access = { credential: fetch.credential, trust: fetch.trust, url: source.url, home };
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: settings,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    GIT_ALLOW_PROTOCOL: transport === 'file' ? 'https:ssh:file' : 'https:ssh',
    GIT_LFS_SKIP_SMUDGE: '1',
    ...(await accessEnvironment(access)),
  };
  const { folder, signal } = fetch;
  const run = await gitSandbox({ folder, home, transport, env, signal });
  const options = configuration.flatMap((setting) => ['-c', setting]);
  return async (args) => outputOf(await run([...options, ...args]), source.url);
}

const listBytesMax = 8 * 1024 * 1024;

function outputOf({ exitCode, exceeded, stdout, stderr }: SandboxResult, url: string): string {
  if (exceeded === 'time') throw tooMuch(`fetching it took more than ${sourceLimits.fetchMs / 1000} s`);
  if (exceeded === 'output' || stdout.length > listBytesMax)
    throw tooMuch(`it has more than ${sourceLimits.files} files`);
  if (exitCode === 0) return stdout.toString('utf8');
  throw unusable(url, reasonIn(stderr) ?? `git ended with ${exitCode ?? 'a signal'}`);
}

const reasons: [RegExp, string][] = [
  [
    /Authentication failed|could not read Username|askpass|Permission denied \(/,
    'the server refuses access, needs `credential` with the name of one that the builder has and the server accepts',
  ],
  [/Host key verification failed/, 'its host is none of those in the known_hosts of the builder'],
];

/** git's own reason is the first line that says `fatal`; what follows is advice. */
function reasonIn(said: string): string | undefined {
  const known = reasons.find(([pattern]) => pattern.test(said))?.[1];
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((text) => /^(fatal|error):/.test(text)) ?? lines.at(-1);
  return known ?? line?.replace(/^(fatal|error): /, '');
}
