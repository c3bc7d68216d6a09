// One kernel of the matrix from download to result.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { boot, joinArchives } from './boot.mjs';
import { baseArchive, modulesArchive, projectArchive } from './initramfs.mjs';
import { fetchKernel } from './kernels.mjs';
import { fewRounds } from './record.mjs';

/**
 * Boots a kernel and runs the tests whose path matches `files` (and whose name matches `match`) on it. `result` is undefined when the
 * machine did not get to the end.
 */
export async function runKernel(entry, { folder, objects, files, match, limitMs, verbose, say }) {
  const kernel = fetchKernel(entry, say);
  const project = join(folder, 'project.cpio');
  const initramfs = join(folder, 'initramfs.cpio');
  await projectArchive(project, { args: { files, match, environment: fewRounds }, objects });
  await joinArchives(initramfs, [baseArchive(), modulesArchive(kernel), project]);
  say(`booting ${kernel.release}`);
  try {
    const { result, lines } = await boot({
      image: kernel.image,
      initramfs,
      limitMs,
      onLine: verbose ? say : undefined,
    });
    if (!result) say(lines.slice(-40).join('\n'));
    return { version: entry.version, release: kernel.release, result };
  } finally {
    rmSync(initramfs, { force: true });
  }
}
