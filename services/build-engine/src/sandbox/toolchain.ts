import { execFile } from 'node:child_process';
import { access, constants, readdir, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { cannot, L3afError } from '@l3af/contracts';
import type { Bind } from './sandbox';

const run = promisify(execFile);

/** The compiler as it is installed here, and what of the host it needs to see. */
export interface Toolchain {
  /** Paths inside the sandbox. */
  clang: string;
  strip: string;
  version: string;
  /** CPU levels that the compiler knows. */
  levels: string[];
  binds: Bind[];
  /** Folders of system headers, searched after the source's and the bundled ones. */
  systemIncludes: string[];
}

const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** A program by name in PATH, the usual folders and `more`, or by its path; `toolchain-missing` says what is needed. */
export async function locate(program: string, needs: string, more: readonly string[] = []): Promise<string> {
  const path = [...(process.env['PATH'] ?? '').split(':').filter(Boolean), ...folders, ...more];
  const candidates = isAbsolute(program) ? [program] : path.map((folder) => join(folder, program));
  for (const candidate of candidates) {
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return candidate;
  }
  throw new L3afError(
    'toolchain-missing',
    cannot('find', 'program', program, `it is not installed, needs ${needs}`),
  );
}

const find = async (program: string, needs: string): Promise<string> =>
  realpath(await locate(program, needs));

/** The shared libraries of a program, as the dynamic linker finds them. */
async function libraries(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]);
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap((match) => match[1] ?? []);
}

async function detect(): Promise<Toolchain> {
  const clang = await find('clang', 'clang 14 or newer');
  const strip = await find('llvm-strip', 'llvm');
  const [setpriv, prlimit] = await Promise.all([
    find('setpriv', 'util-linux'),
    find('prlimit', 'util-linux'),
  ]);
  await find('bwrap', 'bubblewrap');
  const programs: Bind[] = [
    { from: clang, to: clang },
    { from: strip, to: '/bin/llvm-strip' },
    { from: setpriv, to: '/bin/setpriv' },
    { from: prlimit, to: '/bin/prlimit' },
  ];
  const lists = await Promise.all(programs.map(({ from }) => libraries(from)));
  const links = [...new Set(lists.flat())];
  const shared = await Promise.all(links.map(async (to) => ({ from: await realpath(to), to })));
  const builtin = join(dirname(dirname(clang)), 'lib/clang');
  const { stdout: version } = await run(clang, ['--version']);
  const { stdout: cpus } = await run(clang, ['-target', 'bpf', '-print-supported-cpus'], { encoding: 'utf8' })
    .catch((error: unknown) => ({ stdout: '', ...(error as object) }))
    .then((result) => ({ stdout: `${result.stdout}${'stderr' in result ? String(result.stderr) : ''}` }));
  return {
    clang,
    strip: '/bin/llvm-strip',
    version: version.split('\n')[0] ?? '',
    levels: ['v1', 'v2', 'v3', 'v4'].filter((level) => new RegExp(`^\\s*${level}$`, 'm').test(cpus)),
    binds: [
      ...programs,
      ...shared,
      { from: builtin, to: builtin },
      { from: '/usr/include', to: '/usr/include' },
    ],
    systemIncludes: [...(await archIncludes()), '/usr/include'],
  };
}

/** Debian keeps <asm/…> per architecture. */
async function archIncludes(): Promise<string[]> {
  const names = (await readdir('/usr/include')).filter((name) => name.endsWith('-linux-gnu'));
  const found = await Promise.all(
    names.map(async (name) => {
      const folder = join('/usr/include', name);
      return access(join(folder, 'asm')).then(
        () => [folder],
        () => [],
      );
    }),
  );
  return found.flat();
}

let known: Promise<Toolchain> | undefined;

/** Finds clang, llvm-strip and bubblewrap once; `toolchain-missing` names the package that is not there, and it is looked for again. */
export function findToolchain(): Promise<Toolchain> {
  known ??= detect().catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}
