// Which kernels of the matrix this machine can boot.
import { spawnSync } from 'node:child_process';
import { isFetched, matrix } from './kernels.mjs';

/** Debian's packages that booting needs beside what is everywhere. */
export const machinePackages = ['qemu-system-x86', 'busybox-static', 'xz-utils'];

/** Machines are x86-64, as this one has to be. */
export const canBoot = () =>
  process.arch === 'x64' &&
  ['qemu-system-x86_64', 'busybox', 'setpriv'].every(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
  );

/** Every kernel of the matrix; `ready`: it can be booted without downloading anything. */
export function listKernels() {
  const bootable = canBoot();
  return matrix.map((entry) => ({ version: entry.version, ready: bootable && isFetched(entry) }));
}
