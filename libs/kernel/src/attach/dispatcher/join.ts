import { closeSync } from 'node:fs';
import { createMap, KernelMap } from '../../bpf/map';
import { openPin, pinObject } from '../../bpf/pin';
import { joinedPath, rootPath } from '../../generation/paths';
import { failedWith } from '../../sys/errors';
import { inNetns } from '../../sys/netns';
import { operationDone } from '../../sys/operations';
import type { HookTarget } from '../../types';
import { readLink } from '../../net/links';
import { fillRoot, isJoined, removeJoined, removeStale } from './joined';
import { checkLibxdp, checkXdpProgram, libxdpMode, withLibxdp } from './libxdp';
import { loadRoot } from './root-program';

/** What libxdp gives to programs that ask for no priority; lower ones run first. */
export const usualPriority = 50;

/**
 * Makes a chain that starts with this program live as one of a libxdp dispatcher's: where our program is among them by one
 * write into its array, otherwise by joining, which replaces the dispatcher atomically with one that has ours, too. On an
 * empty hook libxdp makes a dispatcher with our program alone. Returns whether it joined.
 */
export function runInDispatcher(target: HookTarget, programFd: number, frags: boolean): { joined: boolean } {
  if (isJoined(target)) {
    const fd = openPin(rootPath(target));
    if (fd !== undefined) {
      using array = new KernelMap(fd);
      fillRoot(array, programFd);
      return { joined: false };
    }
  }
  join(target, programFd, frags);
  return { joined: true };
}

function join(target: HookTarget, programFd: number, frags: boolean): void {
  removeStale(target);
  removeJoined(target);
  using array = new KernelMap(
    createMap({ type: 'prog_array', name: 'l3af_root', keyBytes: 4, valueBytes: 4, entriesMax: 1 }),
  );
  fillRoot(array, programFd);
  const rootFd = loadRoot(array.fd, { priority: target.dispatcher?.priority ?? usualPriority, frags });
  try {
    pinObject(array.fd, rootPath(target));
    pinObject(rootFd, joinedPath(target));
    attachRoot(target, rootFd);
  } catch (error) {
    removeJoined(target);
    throw error;
  } finally {
    closeSync(rootFd);
  }
}

/** Native where the driver can, as for a link; a dispatcher that is there keeps its mode. */
function attachRoot(target: HookTarget, rootFd: number): void {
  const xdp = readLink(target.netns, target.ifindex)?.xdp;
  if (xdp?.native) return attachIn(target, rootFd, libxdpMode.native);
  if (xdp?.generic) return attachIn(target, rootFd, libxdpMode.generic);
  try {
    attachIn(target, rootFd, libxdpMode.native);
  } catch (error) {
    if (!failedWith(error, 'EOPNOTSUPP', 'EINVAL')) throw error;
    attachIn(target, rootFd, libxdpMode.generic);
  }
}

function attachIn(target: HookTarget, rootFd: number, mode: number): void {
  const subject = `ifindex ${target.ifindex}`;
  inNetns(target.netns, () =>
    withLibxdp((libxdp) => {
      const program = checkXdpProgram('xdp_program__from_fd', libxdp.fromFd(rootFd), subject);
      try {
        checkLibxdp('xdp_program__attach', libxdp.attach(program, target.ifindex, mode, 0), subject);
      } finally {
        libxdp.close(program);
      }
    }),
  );
  operationDone(`dispatcher joined ifindex ${target.ifindex}`);
}
