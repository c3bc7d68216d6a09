// A benchmark of libs/kernel on a kernel of the matrix. The machine is emulated: its times mean nothing, but what this machine's kernel
// does not permit (freplace, for xdp-loader's dispatcher) is run and seen.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root } from '../up/home.mjs';
import { boot, joinArchives } from './boot.mjs';
import { createArchive } from './cpio.mjs';
import { baseArchive, standIns } from './initramfs.mjs';
import { fetchKernel, matrix } from './kernels.mjs';
import { recordObjects } from './record.mjs';

const libraries = ['contracts', 'bpf-object', 'kernel'];
const limitMs = 20 * 60_000;

function writeWork(path, { benchmark, args, objects }) {
  const archive = createArchive(path);
  archive.text('/init', readFileSync(new URL('./inside/bench.sh', import.meta.url), 'utf8'));
  archive.text('/l3af/benchmark', [relative(root, benchmark), ...args].join(' '), 0o100644);
  for (const name of libraries) {
    archive.link(`/l3af/node_modules/@l3af/${name}`, `../../libs/${name}`);
    archive.file(`/l3af/libs/${name}/package.json`, join(root, 'libs', name, 'package.json'));
    archive.tree(`/l3af/libs/${name}/dist`, join(root, 'libs', name, 'dist'));
  }
  for (const name of standIns)
    archive.file(`/usr/bin/${name}`, new URL('./stand-in.sh', import.meta.url).pathname);
  archive.tree('/objects', objects);
  archive.close();
}

/** Runs the benchmark here, as short as can be, and keeps what it compiles: there is no compiler in the machine. */
function makeObjects(folder, benchmark) {
  const { objects, env } = recordObjects(folder);
  const short = { ...process.env, ...env, L3AF_BENCH_REPEAT: '1' };
  spawnSync(process.execPath, [benchmark], { env: short, stdio: ['ignore', 'ignore', 'inherit'] });
  return objects;
}

/** Boots a kernel, runs the benchmark (a built file of libs/kernel) there and returns what it wrote and its exit code. */
export async function benchOn(version, { benchmark, args }) {
  const entry = matrix.find((one) => one.version === version);
  if (!entry) throw new Error(`the matrix has ${matrix.map((one) => one.version).join(', ')}`);
  const kernel = fetchKernel(entry, (line) => console.error(line));
  const folder = mkdtempSync(join(tmpdir(), 'l3af-bench-vm-'));
  try {
    const work = join(folder, 'work.cpio');
    const initramfs = join(folder, 'initramfs.cpio');
    writeWork(work, { benchmark, args, objects: makeObjects(folder, benchmark) });
    await joinArchives(initramfs, [baseArchive(), work]);
    console.error(`booting ${kernel.release}; times in emulation mean nothing`);
    const { result, lines } = await boot({ image: kernel.image, initramfs, limitMs });
    if (!result) throw new Error(`the machine did not get to its end\n${lines.slice(-20).join('\n')}`);
    if (result.code !== 0) console.error(lines.slice(-20).join('\n'));
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
