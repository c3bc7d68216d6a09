// `node infra/vm/verify.mjs --list`: the kernels of the matrix, and which of them this machine can boot now, as JSON.
// `node infra/vm/verify.mjs VERSION FOLDER`: boots a kernel, has it load the objects of FOLDER/jobs.json (`[{object, tests}]`, files of
// the folder) as l3af-verify does, and prints `{release, reports}` as JSON. It ends, with its machine, when its standard input does:
// whoever asked is gone then.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../up/home.mjs';
import { boot, joinArchives } from './boot.mjs';
import { canBoot, listKernels } from './bootable.mjs';
import { createArchive } from './cpio.mjs';
import { addSystem, inside, keptArchive } from './initramfs.mjs';
import { fetchKernel, matrix } from './kernels.mjs';

const libraries = ['contracts', 'bpf-object', 'kernel'];
const packages = ['koffi', 'zod', 'yaml'];
const limitMs = 15 * 60_000;

function writeSystem(path) {
  const archive = createArchive(path);
  addSystem(archive, packages);
  archive.close();
}

const isCode = (path) => !path.includes('.build.json');

/** The project as it was built, and what is to be verified. */
function writeWork(path, folder) {
  const archive = createArchive(path);
  archive.text('/init', inside('verify.sh'));
  for (const name of ['verify.cjs', 'results.cjs']) archive.text(`/l3af/${name}`, inside(name), 0o100644);
  for (const name of libraries) {
    archive.link(`/l3af/node_modules/@l3af/${name}`, `../../libs/${name}`);
    archive.file(`/l3af/libs/${name}/package.json`, join(root, 'libs', name, 'package.json'));
    archive.tree(`/l3af/libs/${name}/dist`, join(root, 'libs', name, 'dist'), isCode);
  }
  archive.tree('/l3af/services/executor/dist/verify', join(root, 'services/executor/dist/verify'), isCode);
  for (const name of readdirSync(folder)) archive.file(`/jobs/${name}`, join(folder, name));
  archive.close();
}

async function verifyIn(version, folder, signal) {
  const entry = matrix.find((one) => one.version === version);
  if (!entry) throw new Error(`the matrix has ${matrix.map((one) => one.version).join(', ')}`);
  if (!canBoot()) throw new Error('needs an x86-64 machine with qemu-system-x86_64, busybox and setpriv');
  const kernel = fetchKernel(entry, (line) => console.error(line));
  const work = `${folder}.work.cpio`;
  const initramfs = `${folder}.initramfs.cpio`;
  try {
    writeWork(work, folder);
    await joinArchives(initramfs, [keptArchive('verify', writeSystem), work]);
    const machine = { image: kernel.image, initramfs, limitMs, memoryMiB: 1024, signal };
    const { result, lines } = await boot(machine);
    if (!result) throw new Error(`the machine did not get to its end\n${lines.slice(-20).join('\n')}`);
    return result;
  } finally {
    for (const path of [work, initramfs]) rmSync(path, { force: true });
  }
}

async function main([version, folder]) {
  if (version === '--list') {
    console.log(JSON.stringify(listKernels()));
    return;
  }
  const gone = new AbortController();
  process.stdin
    .on('end', () => gone.abort())
    .on('error', () => gone.abort())
    .resume();
  try {
    if (!folder || !existsSync(join(folder, 'jobs.json')))
      throw new Error('needs a kernel and a folder with jobs.json');
    console.log(JSON.stringify(await verifyIn(version, folder, gone.signal)));
  } catch (error) {
    console.error(`Cannot verify on kernel ${version}: ${error.message}`);
    process.exitCode = 1;
  }
  process.stdin.destroy();
}

await main(process.argv.slice(2));
