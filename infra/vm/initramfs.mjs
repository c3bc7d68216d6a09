// What a virtual machine of the matrix boots: busybox, node, the tools that kernel tests call, and the project, compiled.
import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { transform } from '@swc/core';
import { swcOptions } from '../build.mjs';
import { run } from '../setup/run.mjs';
import { root } from '../up/home.mjs';
import { packageFolders } from './closure.mjs';
import { createArchive } from './cpio.mjs';

const folder = join(root, '.cache/vm');
const tools = [
  'ip',
  'tc',
  'nsenter',
  'bpftool',
  'nm',
  'readelf',
  'xdp-loader',
  'ping',
  'stat',
  'mount',
  'unshare',
  'taskset',
  'bash',
];
const objects = '/usr/lib/x86_64-linux-gnu/bpf';
const runtime = [
  'jest-circus',
  '@jest/expect',
  'koffi',
  'zod',
  'fast-check',
  'pino',
  'uuidv7',
  'yaml',
  'nats',
  'tar-stream',
  'canonicalize',
  '@opentelemetry/api',
  'pg',
];
const needed = ['veth', 'sch_ingress', 'cls_bpf', 'act_bpf', 'bonding', '8021q', 'sch_netem'];

export const which = (name) => run('sh', ['-c', `command -v ${name}`]).trim();

/** A program and the shared libraries that it is linked with. */
export function addProgram(archive, path, target = path) {
  archive.file(target, path);
  addLibraries(archive, path);
}

function addLibraries(archive, path) {
  const linked = run('sh', ['-c', `ldd ${path} 2>/dev/null || true`]);
  for (const [, library] of linked.matchAll(/(?:=> |^\s*)(\/\S+) \(/gm)) archive.file(library, library);
}

/** Other platforms' binaries, types and maps are of no use in there; nested packages are listed by themselves. */
function isOfUse(path) {
  const name = basename(path);
  if (name === 'node_modules' || /\.(map|d\.ts|d\.cts|d\.mts|md)$/.test(name)) return false;
  return !/(darwin|win32|musl|freebsd|openbsd|arm|riscv|ia32|loong)/.test(
    path.slice(path.lastIndexOf('node_modules/')),
  );
}

/** What every machine has: busybox, node, libbpf, and the named packages with all that they depend on. */
export function addSystem(archive, packages) {
  for (const name of ['/proc', '/sys', '/dev', '/tmp', '/run', '/root', '/etc']) archive.folder(name);
  archive.text('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  archive.text('/etc/group', 'root:x:0:\n');
  addProgram(archive, realpathSync(which('busybox')), '/bin/busybox');
  addProgram(archive, process.execPath, '/usr/bin/node');
  for (const name of readdirSync('/usr/lib/x86_64-linux-gnu').filter((library) =>
    /^lib(bpf|elf|z|xdp)\.so/.test(library),
  )) {
    addProgram(archive, join('/usr/lib/x86_64-linux-gnu', name));
  }
  for (const path of packageFolders(packages)) {
    archive.tree(`/l3af/${path}`, join(root, path), isOfUse);
    const native = run('find', [join(root, path), '-name', '*.node'])
      .split('\n')
      .filter(Boolean);
    for (const file of native.filter(isOfUse)) addLibraries(archive, file);
  }
}

function writeBase(path) {
  const archive = createArchive(path);
  addSystem(archive, runtime);
  for (const name of tools) addProgram(archive, which(name), `/usr/bin/${name}`);
  if (existsSync(objects)) archive.tree(objects, objects);
  archive.close();
}

/** The part that changes with node and the dependencies only; kept under a name made of those. */
export const baseArchive = () => keptArchive('base', writeBase);

/** An archive that depends on node, the dependencies and this file only: written once, under a name made of those. */
export function keptArchive(kind, write) {
  mkdirSync(folder, { recursive: true });
  const key = createHash('sha256')
    .update(process.version)
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(readFileSync(new URL(import.meta.url)))
    .digest('hex')
    .slice(0, 12);
  const path = join(folder, `${kind}-${key}.cpio`);
  if (!existsSync(path)) {
    for (const name of readdirSync(folder).filter((old) => old.startsWith(`${kind}-`)))
      rmSync(join(folder, name), { force: true });
    const next = `${path}.${process.pid}.new`; // another process may write it, too
    write(next);
    renameSync(next, path);
  }
  return path;
}

/** Unpacked modules in the order to insert them: what one depends on is written in it. */
function orderedModules(kernel) {
  const paths = run('find', [kernel.modules, '-name', '*.ko*']).split('\n').filter(Boolean);
  const nameOf = (path) =>
    basename(path)
      .replace(/\.ko.*$/, '')
      .replaceAll('-', '_');
  const byName = new Map(paths.map((path) => [nameOf(path), path]));
  const ordered = new Map();
  const add = (name) => {
    const path = byName.get(name);
    if (!path || ordered.has(name)) return;
    const content = path.endsWith('.xz')
      ? run('xz', ['-dc', path], { encoding: 'buffer' })
      : readFileSync(path);
    const depends = /\0depends=([^\0]*)\0/.exec(content.toString('latin1'))?.[1] ?? '';
    for (const dependency of depends.split(',').filter(Boolean)) add(dependency.replaceAll('-', '_'));
    ordered.set(name, content);
  };
  needed.forEach(add);
  return ordered;
}

/** The kernel's modules, unpacked, and the order to insert them in. */
export function modulesArchive(kernel) {
  const path = join(folder, `modules-${kernel.release}.cpio`);
  if (existsSync(path)) return path;
  const archive = createArchive(`${path}.new`);
  const modules = orderedModules(kernel);
  for (const [name, content] of modules) archive.text(`/modules/${name}.ko`, content, 0o100644);
  archive.text('/modules/order', `${[...modules.keys()].map((name) => `${name}.ko`).join('\n')}\n`);
  archive.close();
  renameSync(`${path}.new`, path);
  return path;
}

/** What compiles and changes objects on the host, and hands them out again in the machine. */
export const standIns = ['clang', 'llvm-objcopy', 'llvm-strip'];

const skipped = new Set(['node_modules', 'dist']);

/** Compiles a folder in place: a file keeps its path, so that what tests read beside themselves is found. */
async function addCompiled(archive, folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!skipped.has(entry.name)) await addCompiled(archive, path);
    } else if (!entry.name.endsWith('.ts')) {
      if (entry.isFile()) archive.file(`/l3af/${path}`, join(root, path));
    } else {
      const filename = join(root, path);
      const { code } = await transform(readFileSync(filename, 'utf8'), {
        ...swcOptions,
        sourceMaps: false,
        filename,
        swcrc: false,
      });
      archive.text(`/l3af/${path.replace(/\.ts$/, '.js')}`, code, 0o100644);
    }
  }
}

/** A workspace package: found under its name, its entry (`dist`) being the compiled sources. */
async function addPackage(archive, folder) {
  const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  archive.link(`/l3af/node_modules/${name}`, `../../${folder}`);
  archive.link(`/l3af/${folder}/dist`, 'src');
  await addCompiled(archive, folder);
}

/** What runs in a machine, by its name. */
export const inside = (name) => readFileSync(new URL(`./inside/${name}`, import.meta.url), 'utf8');

/** The project: every lib, the executor (its packet tests), the BPF sources, and what runs the tests. */
export async function sourcesArchive(path) {
  const archive = createArchive(path);
  archive.text('/init', inside('init.sh'));
  for (const name of ['run.cjs', 'results.cjs']) archive.text(`/l3af/${name}`, inside(name), 0o100644);
  for (const name of standIns)
    archive.file(`/usr/bin/${name}`, new URL('./stand-in.sh', import.meta.url).pathname);
  archive.file('/l3af/package.json', join(root, 'package.json'));
  for (const name of readdirSync(join(root, 'libs'))) await addPackage(archive, `libs/${name}`);
  await addPackage(archive, 'services/executor');
  await addCompiled(archive, 'bpf');
  archive.close();
}

/** What to run, and the objects that the tests on the host have made of the sources. */
export function jobArchive(path, { args, objects: made }) {
  const archive = createArchive(path);
  archive.text('/l3af/args.json', JSON.stringify(args), 0o100644);
  archive.tree('/objects', made);
  archive.close();
}
