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
const tools = ['ip', 'tc', 'nsenter', 'bpftool', 'xdp-loader', 'ping', 'clang', 'stat', 'mount', 'unshare'];
const optional = new Set(['clang']); // 100 MB of libraries; tests get their objects compiled
const objects = '/usr/lib/x86_64-linux-gnu/bpf';
const needed = ['veth', 'sch_ingress', 'cls_bpf', 'act_bpf', 'bonding', '8021q', 'sch_netem'];

const which = (name) => run('sh', ['-c', `command -v ${name}`]).trim();

/** A program and the shared libraries that it is linked with. */
function addProgram(archive, path, target = path) {
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

function writeBase(path) {
  const archive = createArchive(path);
  for (const name of ['/proc', '/sys', '/dev', '/tmp', '/run', '/root', '/etc']) archive.folder(name);
  archive.text('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  archive.text('/etc/group', 'root:x:0:\n');
  addProgram(archive, realpathSync(which('busybox')), '/bin/busybox');
  addProgram(archive, process.execPath, '/usr/bin/node');
  for (const name of tools.filter((tool) => !optional.has(tool)))
    addProgram(archive, which(name), `/usr/bin/${name}`);
  for (const name of readdirSync('/usr/lib/x86_64-linux-gnu').filter((library) =>
    /^lib(bpf|elf|z|xdp)\.so/.test(library),
  )) {
    addProgram(archive, join('/usr/lib/x86_64-linux-gnu', name));
  }
  if (existsSync(objects)) archive.tree(objects, objects);
  for (const path of packageFolders(['jest', 'koffi', 'zod', 'fast-check', 'pino', 'uuidv7'])) {
    archive.tree(`/l3af/${path}`, join(root, path), isOfUse);
    const native = run('find', [join(root, path), '-name', '*.node'])
      .split('\n')
      .filter(Boolean);
    for (const file of native.filter(isOfUse)) addLibraries(archive, file);
  }
  archive.close();
}

/** The part that changes with node and the dependencies only; kept under a name made of those. */
export function baseArchive() {
  mkdirSync(folder, { recursive: true });
  const key = createHash('sha256')
    .update(process.version)
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(readFileSync(new URL(import.meta.url)))
    .digest('hex')
    .slice(0, 12);
  const path = join(folder, `base-${key}.cpio`);
  if (!existsSync(path)) {
    for (const name of readdirSync(folder).filter((old) => old.startsWith('base-')))
      rmSync(join(folder, name));
    writeBase(`${path}.new`);
    renameSync(`${path}.new`, path);
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

async function addCompiled(archive, project) {
  const manifest = JSON.parse(readFileSync(join(root, project, 'package.json'), 'utf8'));
  archive.file(`/l3af/${project}/package.json`, join(root, project, 'package.json'));
  archive.link(`/l3af/node_modules/${manifest.name}`, `../../${project}`);
  const src = join(root, project, 'src');
  if (!existsSync(src)) return;
  for (const entry of readdirSync(src, { recursive: true, withFileTypes: true }).filter((found) =>
    found.isFile(),
  )) {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    const target = `/l3af/${project}/dist${file.slice(src.length)}`;
    if (!file.endsWith('.ts')) {
      archive.file(target, file);
      continue;
    }
    const { code } = await transform(readFileSync(file, 'utf8'), {
      ...swcOptions,
      filename: file,
      swcrc: false,
    });
    archive.text(target.replace(/\.ts$/, '.js'), code, 0o100644);
  }
}

const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/root NO_COLOR=1 NODE_OPTIONS=--max-old-space-size=900 L3AF_VM=1
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp; mount -t tmpfs run /run
mount -t bpf bpf /sys/fs/bpf; mount -t tracefs tracing /sys/kernel/tracing 2>/dev/null
mkdir -p /run/netns /dev/shm
for module in $(cat /modules/order); do insmod /modules/$module 2>/dev/null; done
ip link set lo up
cd /l3af
echo "@@ started $(uname -r)"
node run.mjs
echo "@@ ended $?"
poweroff -f
`;

const runner = `// Runs the compiled tests with Jest and prints the result between two marks, in pieces that a serial line carries.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
const args = JSON.parse(readFileSync('/l3af/args.json', 'utf8'));
const jest = ['node_modules/jest/bin/jest.js',   '--runInBand', '--json', '--outputFile', '/tmp/result.json', '--watchman=false', ...args];
const result = spawnSync('node', jest, { cwd: '/l3af', stdio: ['ignore', 'ignore', 'inherit'] });
const text = existsSync('/tmp/result.json') ? readFileSync('/tmp/result.json') : Buffer.from('null');
console.log('@@ result');
for (const line of gzipSync(text).toString('base64').match(/.{1,200}/g)) console.log(line);
console.log('@@ result end');
process.exitCode = result.status ?? 1;
`;

const jestConfig = `module.exports = {
  rootDir: '/l3af',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/libs/*/dist/**/*.kernel.spec.js'],
  transform: {},
  cacheDirectory: '/tmp/jest',
  // Emulation is ten to thirty times slower than the machine.
  testTimeout: 300000,
};
`;

/** The project: compiled sources and tests of every lib, the BPF objects, and what to run. */
export async function projectArchive(path, { args, extra = [] }) {
  const archive = createArchive(path);
  archive.text('/init', init);
  archive.text('/l3af/run.mjs', runner);
  archive.text('/l3af/jest.config.cjs', jestConfig);
  archive.text('/l3af/args.json', JSON.stringify(args));
  for (const name of readdirSync(join(root, 'libs'))) await addCompiled(archive, `libs/${name}`);
  archive.tree('/l3af/bpf', join(root, 'bpf'));
  for (const [target, source] of extra) archive.tree(target, source);
  archive.close();
}
