import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Makes the work folder and removes what killed builders left in it. Folders are named after their process. */
export async function prepareWorkDir(workDir: string): Promise<void> {
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  for (const name of await readdir(workDir)) {
    const pid = Number(/^(\d+)-\w+$/.exec(name)?.[1]);
    if (Number.isInteger(pid) && !isAlive(pid))
      await rm(join(workDir, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
