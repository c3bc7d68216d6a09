import { closeSync } from 'node:fs';
import { forceDetach, linkInfo } from '../bpf/link';
import { openPin, unpin } from '../bpf/pin';
import { headIds, type PinnedGeneration } from '../generation/generation';
import { filterPath, linkPath, type HookKey } from '../generation/paths';
import type { HookTarget } from '../types';
import { joinedProgram, leaveDispatcher } from './dispatcher/joined';
import { deleteFilter, ourFilter } from './cls-bpf';

/** What of ours is on the hook. */
export interface Attached {
  programId: number;
  /** The interface that the link is on; differs from the target's after the interface was made anew. */
  ifindex: number;
  by: 'link' | 'filter' | 'dispatcher';
}

/** The pinned link's program; undefined without a link, or when its interface is gone. */
export function linkedProgram(key: HookKey): Attached | undefined {
  const fd = openPin(linkPath(key));
  if (fd === undefined) return undefined;
  try {
    const info = linkInfo(fd);
    if (!info.ifindex || info.programId === 0) return undefined;
    return { programId: info.programId, ifindex: info.ifindex, by: 'link' };
  } finally {
    closeSync(fd);
  }
}

/** Our program on the hook, whichever way it is attached. */
export function attachedProgram(
  target: HookTarget,
  generations: readonly PinnedGeneration[],
): Attached | undefined {
  const linked = linkedProgram(target);
  if (linked?.ifindex === target.ifindex) return linked;
  if (target.hook === 'xdp') return joined(target);
  if (!generations.some(({ record }) => record.attach === 'cls_bpf')) return undefined;
  const filter = ourFilter(target, allHeadIds(generations));
  return filter && { programId: filter.programId, ifindex: target.ifindex, by: 'filter' };
}

function joined(target: HookTarget): Attached | undefined {
  const programId = joinedProgram(target);
  return programId === undefined ? undefined : { programId, ifindex: target.ifindex, by: 'dispatcher' };
}

export function allHeadIds(generations: readonly PinnedGeneration[]): Set<number> {
  return new Set(generations.flatMap((generation) => [...headIds(generation)]));
}

/** Takes our program off the hook: the link goes with its pin, the filter by its own handle, out of a dispatcher by libxdp. */
export function detachHook(target: HookTarget, generations: readonly PinnedGeneration[]): void {
  detachLink(target);
  if (target.hook === 'xdp') return leaveDispatcher(target);
  if (!generations.some(({ record }) => record.attach === 'cls_bpf')) return;
  const filter = ourFilter(target, allHeadIds(generations));
  if (filter) deleteFilter(target, filter);
  unpin(filterPath(target));
}

/** Unpinning alone would let the kernel detach some time later. */
export function detachLink(key: HookKey): void {
  const fd = openPin(linkPath(key));
  if (fd === undefined) return;
  try {
    forceDetach(fd);
  } finally {
    closeSync(fd);
  }
  unpin(linkPath(key));
}
