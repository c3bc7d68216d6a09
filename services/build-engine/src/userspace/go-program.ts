import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import type { UserspaceProgram } from '@l3af/contracts';
import { programLimits } from '../sandbox/limits';
import type { Bind } from '../sandbox/sandbox';
import { findToolchain, locate } from '../sandbox/toolchain';
import type { TreeEntry } from '../source/tree';
import { libraryBinds } from './linker';
import { outputPath, type Recipe, type ToolchainPaths } from './recipe';

const run = promisify(execFile);
const folders = ['/usr/local/go/bin', '/usr/lib/go/bin'];

/** Where `go` and all that belongs to it is. */
export async function findGo({ go }: ToolchainPaths): Promise<{ go: string; root: string }> {
  const program = await locate(go ?? 'go', 'Go (https://go.dev), in PATH or named by L3AF_GO', folders);
  // Without a home, Go has nowhere to leave its telemetry and leaves none.
  const env = {
    GOTOOLCHAIN: 'local',
    GOENV: 'off',
    PATH: '/usr/bin:/bin',
  };
  const { stdout } = await run(program, ['env', 'GOROOT'], { env });
  const root = stdout.trim();
  return { go: join(root, 'bin/go'), root };
}

/**
 * Go: a file, or the folder of a package with its module's go.mod in it or above. What it imports is in the standard library or in the
 * module's `vendor`: there is no network. Linked statically; the same source and Go give the same program.
 */
export async function goProgram(
  { source: given }: UserspaceProgram,
  source: string,
  { entries, paths }: { entries: readonly TreeEntry[]; paths: ToolchainPaths },
): Promise<Recipe> {
  const { go, root } = await findGo(paths);
  const { binds } = await findToolchain();
  const isFile = given.endsWith('.go');
  const folder = isFile ? posix.dirname(source) : source;
  const what = isFile ? `./${posix.basename(source)}` : '.';
  const modules = modulesAbove(folder, entries);
  const vendored = modules.some((path) =>
    entries.some((entry) => entry.path === posix.join(path, 'vendor/modules.txt')),
  );
  return {
    command: [
      ...[go, 'build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w -buildid='],
      ...(modules.length > 0 ? [`-mod=${vendored ? 'vendor' : 'readonly'}`] : []),
      ...['-o', outputPath, what],
    ],
    binds: [...binds, ...(await rootBinds(root)), ...(await libraryBinds())],
    env: {
      ...{
        GOROOT: root,
        HOME: '/tmp',
        GOCACHE: '/tmp/cache',
        GOPATH: '/tmp/go',
        TMPDIR: '/tmp',
        PATH: '/bin',
      },
      ...{
        CGO_ENABLED: '0',
        GOPROXY: 'off',
        GOSUMDB: 'off',
        GOTOOLCHAIN: 'local',
        GOENV: 'off',
        GOWORK: 'off',
      },
      ...{ GOTELEMETRY: 'off', GOFLAGS: '', SOURCE_DATE_EPOCH: '0' },
    },
    limits: programLimits,
    folder,
  };
}

/** Folders with a go.mod, from this one up to the source's root. */
function modulesAbove(folder: string, entries: readonly TreeEntry[]): string[] {
  const found: string[] = [];
  for (let at = posix.normalize(folder); ; at = posix.dirname(at)) {
    if (entries.some(({ path }) => path === posix.join(at, 'go.mod'))) found.push(at);
    if (at === '.' || at === '/') return found;
  }
}

/** Debian keeps parts of it elsewhere, by links. */
async function rootBinds(root: string): Promise<Bind[]> {
  const links = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isSymbolicLink());
  const elsewhere = await Promise.all(
    links.map(async ({ name }) => {
      const real = await realpath(join(root, name));
      return { from: real, to: real };
    }),
  );
  return [
    { from: await realpath(root), to: root },
    ...elsewhere.filter(({ to }) => !to.startsWith(`${root}/`)),
  ];
}
