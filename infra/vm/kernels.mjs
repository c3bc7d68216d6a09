// Debian's kernels for the matrix: downloaded by apt into a cache with a configuration of its own (nothing is installed, the
// machine's package lists are not touched) and unpacked.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../setup/run.mjs';
import { root } from '../up/home.mjs';

const cache = join(root, '.cache/kernels');

/** The matrix: Debian's suites and the kernels in them. */
export const matrix = [
  { version: '5.10', suite: 'bullseye', package: /^linux-image-5\.10\.0-\d+-cloud-amd64$/ },
  { version: '6.1', suite: 'bookworm', package: /^linux-image-6\.1\.0-\d+-cloud-amd64$/ },
  { version: '6.12', suite: 'bookworm-backports', package: /^linux-image-6\.12\.\d+\+deb12-cloud-amd64$/ },
];

/** The mirror this machine installs from: it is the one that can be reached. */
function mirror() {
  const lines = run('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE) $(ORIGIN)']).split('\n');
  const main = lines
    .map((line) => line.split(' '))
    .find(([uri, release]) => uri.endsWith('/debian/') && /^[a-z]+$/.test(release ?? ''));
  if (!main) throw new Error("Cannot find a Debian mirror in this machine's apt sources: run apt-get update");
  return main[0];
}

/** apt with folders and sources of its own. */
function aptFor(suite) {
  const folder = join(cache, 'apt', suite);
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'etc'])
    mkdirSync(join(folder, name), { recursive: true });
  const sources = join(folder, 'etc/sources.list');
  writeFileSync(
    sources,
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror()} ${suite} main\n`,
  );
  writeFileSync(join(folder, 'state/status'), '');
  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': join(folder, 'state/status'),
    'Dir::Cache': join(folder, 'cache'),
    'APT::Architecture': 'amd64',
    'APT::Sandbox::User': 'root',
    'Acquire::Check-Valid-Until': 'false', // an archived suite is not signed anew
    'Acquire::Languages': 'none',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return {
    get: (args, cwd = folder) => run('apt-get', ['-qq', ...options, ...args], { cwd }),
    cache: (args) => run('apt-cache', [...options, ...args]),
  };
}

const numbersOf = (name) => name.match(/\d+/g).map(Number);
function byVersion(a, b) {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  const at = left.findIndex((value, index) => value !== right[index]);
  return at < 0 ? 0 : left[at] - (right[at] ?? -1);
}

/** Whether the cache has a kernel of this version. */
export const isFetched = ({ version }) => existsSync(join(cache, version));

/** Unpacks the newest kernel of an entry when the cache has none; returns its image, modules and release. */
export function fetchKernel(entry, say) {
  const folder = join(cache, entry.version);
  if (!existsSync(folder)) {
    say(`fetching Debian's kernel ${entry.version} (${entry.suite})`);
    const apt = aptFor(entry.suite);
    apt.get(['update']);
    const names = apt
      .cache(['pkgnames', 'linux-image-'])
      .split('\n')
      .filter((name) => entry.package.test(name));
    const newest = names.sort(byVersion).at(-1);
    if (!newest) throw new Error(`Cannot find a kernel ${entry.version} in Debian's ${entry.suite}`);
    const next = `${folder}.${process.pid}.new`;
    mkdirSync(next, { recursive: true });
    apt.get(['download', newest], next);
    const archive = readdirSync(next).find((name) => name.endsWith('.deb'));
    run('dpkg', ['-x', join(next, archive), next]);
    rmSync(join(next, archive));
    renameSync(next, folder);
  }
  const release = readdirSync(join(folder, 'lib/modules'))[0];
  return {
    ...entry,
    release,
    image: join(folder, 'boot', `vmlinuz-${release}`),
    modules: join(folder, 'lib/modules', release),
  };
}
