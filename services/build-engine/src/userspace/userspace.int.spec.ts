import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UserspaceProgram } from '@l3af/contracts';
import { skipUnless } from '@l3af/testing';
import { unpackArchive } from '../source/archive';
import { readTree } from '../source/tree';
import { archiveOf } from '../testing/archive';
import { checkUserspace, compileUserspace } from './compile-userspace';

jest.setTimeout(900_000);

const has = (program: string, more: string): boolean =>
  spawnSync(program, ['--version'], { env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:${more}` } })
    .error === undefined;
const hasGo =
  spawnSync('sh', ['-c', 'PATH=$PATH:/usr/local/go/bin:/usr/lib/go/bin command -v go']).status === 0;
const hasRust = has('rustc', `${process.env['HOME'] ?? '/root'}/.cargo/bin`);

describe('userspace programs', () => {
  const folders: string[] = [];
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  const make = async (program: UserspaceProgram, files: Record<string, string>): Promise<Uint8Array> => {
    const folder = await mkdtemp(join(tmpdir(), 'l3af-userspace-'));
    folders.push(folder);
    await chmod(folder, 0o755);
    await unpackArchive(await archiveOf(files), folder);
    const fetched = { folder, entries: await readTree(folder), sourceDigest: '' };
    const signal = new AbortController().signal;
    const context = { toolchains: {}, signal, say: () => undefined, quote: () => undefined };
    const [built] = await compileUserspace([program], fetched, context);
    return built?.bytes ?? new Uint8Array();
  };
  const run = async (bytes: Uint8Array): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'l3af-userspace-'));
    folders.push(folder);
    const path = join(folder, 'program');
    await writeFile(path, bytes, { mode: 0o755 });
    const { stdout, stderr } = spawnSync(path, { encoding: 'utf8' });
    return stdout + stderr;
  };

  describe('in Go', () => {
    const it = skipUnless(hasGo, 'Go is not installed');
    // Without imports: each build compiles what it uses of the standard library anew.
    const hello = 'package main\n\nfunc main() { print("hello from Go") }\n';
    const single: UserspaceProgram = { name: 'agent', language: 'go', source: 'user/agent.go' };
    const module = 'module example.org/agent\n\ngo 1.18\n\n';

    it('are a file, the same for the same source wherever it lies', async () => {
      const first = await make(single, { 'user/agent.go': hello });
      expect(await run(first)).toBe('hello from Go');
      const again = await make(single, { 'user/agent.go': hello, 'elsewhere.txt': '' });
      expect(Buffer.compare(first, again)).toBe(0);
      expect(Buffer.from(first).includes('/tmp/l3af-')).toBe(false);
    });

    it('are a module with what it has vendored', async () => {
      const bytes = await make(
        { name: 'agent', language: 'go', source: 'user' },
        {
          'user/go.mod': `${module}require example.org/dep v1.0.0\n`,
          'user/main.go': 'package main\n\nimport "example.org/dep"\n\nfunc main() { print(dep.Word()) }\n',
          'user/vendor/modules.txt': '# example.org/dep v1.0.0\n## explicit; go 1.18\nexample.org/dep\n',
          'user/vendor/example.org/dep/dep.go': 'package dep\n\nfunc Word() string { return "vendored" }\n',
        },
      );
      expect(await run(bytes)).toBe('vendored');
    });

    it('have no network, and say what is wrong with them', async () => {
      const files = {
        'user/go.mod': `${module}require golang.org/x/net v0.1.0\n`,
        'user/main.go': 'package main\n\nimport _ "golang.org/x/net/html"\n\nfunc main() {}\n',
      };
      await expect(make({ ...single, source: 'user' }, files)).rejects.toMatchObject({
        code: 'build-failed',
      });
      const wrong = 'package main\n\nfunc main() { prin("x") }\n';
      await expect(make(single, { 'user/agent.go': wrong })).rejects.toMatchObject({
        message: expect.stringMatching(/agent\.go:3:15: undefined: prin/),
        details: { diagnostics: [{ severity: 'error', line: 3, column: 15 }] },
      });
    });
  });

  describe('in Rust', () => {
    const it = skipUnless(hasRust, 'Rust is not installed');
    const hello = 'fn main() { print!("hello from Rust") }\n';
    const single: UserspaceProgram = { name: 'agent', language: 'rust', source: 'user/agent.rs' };
    const cargo = '[package]\nname = "agent"\nversion = "0.1.0"\nedition = "2021"\n';
    const lock = (more = ''): string =>
      `version = 3\n\n[[package]]\nname = "agent"\nversion = "0.1.0"\n${more}`;

    it('are a file, the same for the same source wherever it lies', async () => {
      const panicking = `${hello.replace('}', '; if std::env::args().count() > 9 { panic!() } }')}`;
      const first = await make(single, { 'user/agent.rs': panicking });
      expect(await run(first)).toBe('hello from Rust');
      const again = await make(single, { 'user/agent.rs': panicking, 'elsewhere.txt': '' });
      expect(Buffer.compare(first, again)).toBe(0);
      for (const path of ['/tmp/l3af-', '/src/user', '/root/'])
        expect(Buffer.from(first).includes(path)).toBe(false);
    });

    it('are a Cargo package with what it has vendored', async () => {
      const files = {
        'user/Cargo.toml': `${cargo}[dependencies]\ndep = "1.0.0"\n`,
        'user/Cargo.lock': lock(
          'dependencies = [\n "dep",\n]\n\n[[package]]\nname = "dep"\nversion = "1.0.0"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\n',
        ),
        'user/.cargo/config.toml':
          '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "vendor"\n',
        'user/vendor/dep/Cargo.toml': '[package]\nname = "dep"\nversion = "1.0.0"\nedition = "2021"\n',
        'user/vendor/dep/.cargo-checksum.json': '{"files":{}}',
        'user/vendor/dep/src/lib.rs': 'pub fn word() -> &\'static str { "vendored" }\n',
        'user/src/main.rs': 'fn main() { print!("{}", dep::word()) }\n',
      };
      const program: UserspaceProgram = { name: 'agent', language: 'rust', source: 'user' };
      const first = await make(program, files);
      expect(await run(first)).toBe('vendored');
      expect(Buffer.compare(first, await make(program, { ...files, 'else.txt': '' }))).toBe(0);
    });

    it('have no network, see nothing of the host, and say what is wrong with them', async () => {
      const thief = 'fn main() { print!("{}", include_str!("/etc/passwd")) }\n';
      await expect(make(single, { 'user/agent.rs': thief })).rejects.toThrow(/couldn't read .*passwd/);
      const wrong = 'fn main() { let x: u32 = "x"; }\n';
      await expect(make(single, { 'user/agent.rs': wrong })).rejects.toThrow(
        /user\/agent\.rs:1:26: mismatched types/,
      );
      const spy = {
        'user/Cargo.toml': `${cargo}build = "build.rs"\n`,
        'user/Cargo.lock': lock(),
        'user/build.rs':
          'fn main() { let net = std::net::TcpStream::connect("127.0.0.1:1").map(|_| ()).map_err(|e| e.kind());\n' +
          '  println!("cargo:rustc-env=SAW={:?} {:?}", std::fs::read("/etc/passwd").map_err(|e| e.kind()), net); }\n',
        'user/src/main.rs': 'fn main() { print!("{}", env!("SAW")) }\n',
      };
      const seen = await run(await make({ ...single, source: 'user' }, spy));
      expect(seen).toMatch(/^Err\(NotFound\) Err\((NetworkUnreachable|ConnectionRefused|Uncategorized)\)$/);
    });
  });

  it('are refused with the toolchain that is missing, and libraries that only C has', async () => {
    const program: UserspaceProgram = { name: 'agent', language: 'go', source: 'user/agent.go' };
    await expect(checkUserspace([program], { go: '/nowhere/go' })).rejects.toMatchObject({
      code: 'toolchain-missing',
      message: expect.stringContaining('no toolchain for Go'),
      hint: expect.stringContaining('L3AF_GO'),
    });
    await expect(
      checkUserspace([{ ...program, language: 'rust' }], { rustc: '/nowhere/rustc' }),
    ).rejects.toMatchObject({ code: 'toolchain-missing', details: { language: 'rust' } });
    await expect(checkUserspace([{ ...program, libraries: ['bpf'] }], {})).rejects.toMatchObject({
      code: 'invalid-manifest',
    });
  });
});
