import { statfsSync } from 'node:fs';
import { cannot, L3afError } from '@l3af/contracts';
import { mountFilesystem } from '../sys/libc';
import { bpffsRoot } from './paths';

const bpffsMagic = 0xcafe4a11;

/** Mounts bpffs on /sys/fs/bpf when it is not. Requires CAP_SYS_ADMIN only when it has to mount. */
export function ensureBpffs(): void {
  if (isBpffs()) return;
  try {
    mountFilesystem('bpf', bpffsRoot);
  } catch (error) {
    throw new L3afError('kernel-error', cannot('mount', 'bpffs', bpffsRoot, 'the kernel refused'), {
      cause: error,
    });
  }
}

function isBpffs(): boolean {
  try {
    return statfsSync(bpffsRoot).type === bpffsMagic;
  } catch {
    return false; // no such folder: the mount will say so
  }
}
