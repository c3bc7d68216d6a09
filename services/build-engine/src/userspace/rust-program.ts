import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cannot, L3afError, type UserspaceProgram } from '@l3af/contracts';
import { sourceMount } from '../compile/compile';
import { programLimits } from '../sandbox/limits';
import { findToolchain, locate } from '../sandbox/toolchain';
import { linkerBinds } from './linker';
import { outputPath, type Recipe, type ToolchainPaths } from './recipe';

const run = promisify(execFile);
const mount = '/rust';

/** The folder of the Rust toolchain; what is in PATH may be rustup's stand-in for it. */
export async function findRust({ rustc }: ToolchainPaths): Promise<string> {
  const home = process.env['HOME'] ?? '/root';
  const needs = 'Rust (https://rust-lang.org), in PATH or named by L3AF_RUSTC';
  const program = await locate(rustc ?? 'rustc', needs, [join(home, '.cargo/bin')]);
  const { stdout } = await run(program, ['--print', 'sysroot']);
  return stdout.trim();
}

/**
 * Rust: a file for rustc, or the folder of a Cargo package with its Cargo.lock. What it needs is in the standard library or vendored
 * (`cargo vendor`, with its `.cargo/config.toml`): there is no network. The same source and toolchain give the same program.
 */
export async function rustProgram(
  { name, source: given }: UserspaceProgram,
  source: string,
  paths: ToolchainPaths,
): Promise<Recipe> {
  const root = await findRust(paths);
  const { clang, binds } = await findToolchain();
  const flags = [
    ...[
      `--remap-path-prefix=${sourceMount}=.`,
      '--remap-path-prefix=/tmp=.',
      `--remap-path-prefix=${mount}=.`,
    ],
    ...['-Clinker=' + clang, '-Clink-arg=-B/usr/bin', '-Clink-arg=-Wl,--build-id=none', '-Cstrip=symbols'],
  ];
  const isFile = given.endsWith('.rs');
  if (!isFile) await requireCargo(root, name);
  const asFile = [
    `${mount}/bin/rustc`,
    '--edition=2021',
    '-O',
    '--error-format=short',
    ...flags,
    '-o',
    outputPath,
    source,
  ];
  // Its own text is fixed; the program's name is its parameter.
  const script =
    '"$1" build --release --frozen --message-format short --target-dir /tmp/target --bin "$2" && exec /bin/cp "/tmp/target/release/$2" "$3"';
  const asPackage = ['/bin/sh', '-c', script, 'sh', `${mount}/bin/cargo`, name, outputPath];
  return {
    command: isFile ? asFile : asPackage,
    binds: [
      ...[...binds, ...(await linkerBinds(clang)), { from: root, to: mount }],
      ...(isFile ? [] : [{ from: '/bin/cp', to: '/bin/cp' }]),
    ],
    env: {
      ...{ HOME: '/tmp', CARGO_HOME: '/tmp/cargo', TMPDIR: '/tmp', PATH: `${mount}/bin:/usr/bin:/bin` },
      // Without /proc the dynamic linker cannot find what lies beside a program.
      LD_LIBRARY_PATH: `${mount}/lib`,
      ...{ RUSTC: `${mount}/bin/rustc`, CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'), SOURCE_DATE_EPOCH: '0' },
      ...{ CARGO_NET_OFFLINE: 'true', CARGO_TERM_COLOR: 'never', CARGO_INCREMENTAL: '0' },
    },
    limits: programLimits,
    ...(!isFile && { folder: source }),
  };
}

async function requireCargo(root: string, name: string): Promise<void> {
  await access(join(root, 'bin/cargo')).catch((cause: unknown) => {
    const state = 'it is a Cargo package, and the toolchain has no cargo';
    throw new L3afError('toolchain-missing', cannot('compile', 'userspace program', name, state), { cause });
  });
}
