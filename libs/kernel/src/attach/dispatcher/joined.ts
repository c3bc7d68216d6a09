import { closeSync } from 'node:fs';
import { KernelMap } from '../../bpf/map';
import { listFolder, openPin, removeFolder, unpin, withPin } from '../../bpf/pin';
import { programId } from '../../bpf/program';
import { joinedPath, rootPath, type HookKey } from '../../generation/paths';
import { readLink } from '../../net/links';
import { inNetns } from '../../sys/netns';
import { operationDone } from '../../sys/operations';
import type { HookTarget } from '../../types';
import { checkLibxdp, checkXdpProgram, libxdpMode, withLibxdp } from './libxdp';
import { dispatcherFolders, pinnedPrograms, programsIn, type DispatcherFolder } from './read';

const onlySlot = Buffer.alloc(4);

/** The program on the interface's XDP hook. */
export function hookProgram(target: HookTarget): number | undefined {
  const xdp = readLink(target.netns, target.ifindex)?.xdp;
  return xdp?.native || xdp?.generic || undefined;
}

/** The id of our program among a dispatcher's, live or not; undefined when we never joined one. */
export const rootProgramId = (key: HookKey): number | undefined =>
  withPin(joinedPath(key), (fd) => programId(fd));

/** Whether the dispatcher that is on the hook now has our program, whoever made it: others carry it over. */
export function isJoined(target: HookTarget): boolean {
  const rootId = rootProgramId(target);
  const dispatcherId = rootId === undefined ? undefined : hookProgram(target);
  if (dispatcherId === undefined) return false;
  return [...pinnedPrograms(dispatcherId).values()].some((program) => program.programId === rootId);
}

/** The interface of the dispatcher that has our program. */
export function joinedInterface(key: HookKey): number | undefined {
  const rootId = rootProgramId(key);
  if (rootId === undefined) return undefined;
  return dispatcherFolders().find((folder) => hasProgram(folder, rootId))?.ifindex;
}

const hasProgram = (folder: DispatcherFolder, id: number): boolean =>
  [...programsIn(folder).values()].some(({ programId }) => programId === id);

/** The chain's program that the dispatcher runs through ours; undefined when it runs none. */
export function joinedProgram(target: HookTarget): number | undefined {
  return isJoined(target) ? rootSlot(target) : undefined;
}

function rootSlot(key: HookKey): number | undefined {
  const fd = openPin(rootPath(key));
  if (fd === undefined) return undefined;
  using array = new KernelMap(fd);
  return array.lookup(onlySlot)?.readUInt32LE(0);
}

/** Makes the dispatcher's program of ours run another chain: one write, atomic for every packet. */
export function fillRoot(array: KernelMap, programFd: number): void {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(programFd);
  array.update(onlySlot, value);
}

/**
 * Takes our program out of the dispatcher, whose other programs stay: libxdp puts one without ours in its place, or takes it
 * off when it has no other. Where we are in none, only what is left of ours is removed.
 */
export function leaveDispatcher(target: HookTarget): void {
  const fd = isJoined(target) ? openPin(joinedPath(target)) : undefined;
  if (fd !== undefined) {
    try {
      detachRoot(target, fd);
    } finally {
      closeSync(fd);
    }
  }
  removeJoined(target);
}

function detachRoot(target: HookTarget, rootFd: number): void {
  const subject = `ifindex ${target.ifindex}`;
  inNetns(target.netns, () =>
    withLibxdp((libxdp) => {
      const program = checkXdpProgram('xdp_program__from_fd', libxdp.fromFd(rootFd), subject);
      try {
        const result = libxdp.detach(program, target.ifindex, libxdpMode.asItIs, 0);
        checkLibxdp('xdp_program__detach', result, subject);
      } finally {
        libxdp.close(program);
      }
    }),
  );
  operationDone(`dispatcher left ifindex ${target.ifindex}`);
}

/** Unpins what is ours of a dispatcher that is off the hook; what others have pinned beside it is theirs. */
export function removeJoined(key: HookKey): void {
  const rootId = rootProgramId(key);
  if (rootId !== undefined) {
    for (const folder of dispatcherFolders()) {
      for (const [slot, program] of programsIn(folder)) {
        if (program.programId !== rootId) continue;
        unpin(`${folder.path}/prog${slot}-link`);
        unpin(`${folder.path}/prog${slot}-prog`);
      }
      if (listFolder(folder.path).length === 0) removeFolder(folder.path);
    }
  }
  forgetJoined(key);
}

/** Unpins what is ours alone. A dispatcher that still has our program passes on to its next one at its place. */
export function forgetJoined(key: HookKey): void {
  unpin(joinedPath(key));
  unpin(rootPath(key));
}

/**
 * Removes dispatchers with our program that never came onto the hook, or are off it again: what a process leaves that dies
 * within libxdp. Only for an interface that is there: one that moved to another namespace takes its dispatcher along.
 */
export function removeStale(target: HookTarget): void {
  const rootId = rootProgramId(target);
  const live = hookProgram(target);
  for (const folder of rootId === undefined ? [] : dispatcherFolders()) {
    if (folder.ifindex !== target.ifindex || folder.dispatcherId === live) continue;
    if (rootId !== undefined && hasProgram(folder, rootId)) removeFolder(folder.path);
  }
}
