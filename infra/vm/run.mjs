// One kernel of the matrix from download to result.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { boot, joinArchives } from './boot.mjs';
import { baseArchive, jobArchive, modulesArchive, sourcesArchive } from './initramfs.mjs';
import { fetchKernel } from './kernels.mjs';
import { fewRounds } from './record.mjs';

/**
 * Boots a kernel and runs the tests whose path matches `files` (and whose name matches `match`) on it. `sources` is an archive of the
 * project that was made before (default: of the project as it is now). `result` is undefined when the machine did not get to the end.
 */
export async function runKernel(entry, { folder, sources, objects, files, match, limitMs, verbose, say }) {
  const kernel = fetchKernel(entry, say);
  const project = sources ?? join(folder, 'sources.cpio');
  if (!sources) await sourcesArchive(project);
  const job = join(folder, 'job.cpio');
  const initramfs = join(folder, 'initramfs.cpio');
  jobArchive(job, { args: { files, match, environment: fewRounds }, objects });
  await joinArchives(initramfs, [baseArchive(), modulesArchive(kernel), project, job]);
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
