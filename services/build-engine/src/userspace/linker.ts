import { access, readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cannot, L3afError } from '@l3af/contracts';
import type { Bind } from '../sandbox/sandbox';

/** What linking needs beyond compiling: the linker, the C library's and GCC's start files. */
export async function linkerBinds(clang: string): Promise<Bind[]> {
  const compilerLibraries = join(dirname(dirname(clang)), 'lib');
  const folders: Bind[] = [
    { from: '/usr/lib/gcc', to: '/usr/lib/gcc' },
    ...(await libraryBinds()),
    // The folders above hide the compiler's own libraries, being links into this one.
    { from: compilerLibraries, to: compilerLibraries },
  ];
  const linker = await realpath('/usr/bin/ld').catch((cause: unknown) => {
    throw new L3afError(
      'toolchain-missing',
      cannot('link', 'userspace program', 'ld', 'it is not installed, needs binutils and libc6-dev'),
      { cause },
    );
  });
  return [{ from: linker, to: '/usr/bin/ld' }, ...(await present(folders))];
}

/** The system's shared libraries. */
export async function libraryBinds(): Promise<Bind[]> {
  const multiarch = (await readdir('/usr/lib')).filter((name) => name.endsWith('-linux-gnu'));
  const folders = multiarch.flatMap((name) =>
    ['/usr/lib', '/lib'].map((top) => ({ from: `/usr/lib/${name}`, to: `${top}/${name}` })),
  );
  return present([...folders, { from: '/lib64', to: '/lib64' }]);
}

/** A shell that reads the program back, and what it runs. */
export async function shellBinds(): Promise<Bind[]> {
  const names = ['sh', 'cat'];
  return Promise.all(
    names.map(async (name) => ({ from: await realpath(`/bin/${name}`), to: `/bin/${name}` })),
  );
}

async function present(binds: Bind[]): Promise<Bind[]> {
  const found = await Promise.all(binds.map(async (bind) => ((await exists(bind.from)) ? [bind] : [])));
  return found.flat();
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
