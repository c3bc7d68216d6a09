import { closeSync } from 'node:fs';
import { cannot, L3afError, type AttachMode } from '@l3af/contracts';
import { createLink, linkFlags, linkInfo, updateLink, type LinkCreate } from '../bpf/link';
import { openPin, pinObject, unpin } from '../bpf/pin';
import { attachType } from '../bpf/program';
import { queryHook } from '../bpf/query';
import { linkPath } from '../generation/paths';
import { readLink } from '../net/links';
import { failedWith, kernelCause } from '../sys/errors';
import { inNetns } from '../sys/netns';
import type { HookTarget } from '../types';
import { describeForeign } from './foreign';
import { anchorOf } from './position';

export interface AttachResult {
  mode: AttachMode;
  firstAttach: boolean;
}

/** Puts a program on the hook through our link: by one atomic update when the link is there. */
export function attachByLink(target: HookTarget, programFd: number): AttachResult {
  const fd = openPin(linkPath(target));
  if (fd !== undefined) {
    try {
      if (linkInfo(fd).ifindex === target.ifindex) return update(target, fd, programFd);
    } finally {
      closeSync(fd);
    }
  }
  return target.hook === 'xdp' ? attachXdp(target, programFd) : attachTcx(target, programFd);
}

function update(target: HookTarget, linkFd: number, programFd: number): AttachResult {
  try {
    updateLink(linkFd, programFd);
  } catch (error) {
    throw attachError(target, error);
  }
  return { mode: target.hook === 'xdp' ? xdpMode(target) : 'tcx', firstAttach: false };
}

/** The mode that the interface's XDP hook is in now. */
export function xdpMode(target: HookTarget): 'native' | 'generic' {
  const link = readLink(target.netns, target.ifindex);
  return link?.xdp.generic !== undefined && link.xdp.native === undefined ? 'generic' : 'native';
}

/** Drivers without XDP answer so. */
const noNative = ['EOPNOTSUPP', 'EINVAL'] as const;

function attachXdp(target: HookTarget, programFd: number): AttachResult {
  try {
    pinLink(target, programFd, { attachType: attachType.xdp, flags: linkFlags.xdpNative });
    return { mode: 'native', firstAttach: true };
  } catch (error) {
    if (!failedWith(error, ...noNative)) throw attachError(target, error);
  }
  try {
    pinLink(target, programFd, { attachType: attachType.xdp, flags: linkFlags.xdpGeneric });
    return { mode: 'generic', firstAttach: true };
  } catch (error) {
    throw attachError(target, error);
  }
}

/** Places the chain among others; the revision makes sure that it is the order we saw, or that someone else chose by. */
function attachTcx(target: HookTarget, programFd: number): AttachResult {
  const type = target.hook === 'tc-ingress' ? attachType.tcxIngress : attachType.tcxEgress;
  const triesMax = 8;
  for (let tries = 1; ; tries++) {
    try {
      const { revision, programs } = inNetns(target.netns, () => queryHook(target.ifindex, type));
      requireRevision(target, revision);
      const link = { attachType: type, ...anchorOf(target, programs), expectedRevision: revision };
      pinLink(target, programFd, link);
      return { mode: 'tcx', firstAttach: true };
    } catch (error) {
      if (!failedWith(error, 'ESTALE') || tries >= triesMax) throw attachError(target, error);
    }
  }
}

function requireRevision({ expectedRevision, ...target }: HookTarget, revision: bigint): void {
  if (expectedRevision === undefined || BigInt(expectedRevision) === revision) return;
  const where = `${target.node}/${target.interface}/${target.hook}`;
  const state = `others changed the hook, it is at revision ${revision}, needs ${expectedRevision}`;
  throw new L3afError('conflict', cannot('attach', 'chain', where, state), {
    hint: 'Look at the order again, then put the new revision into `attach.expectedRevision`',
  });
}

function pinLink(
  target: HookTarget,
  programFd: number,
  link: Omit<LinkCreate, 'programFd' | 'ifindex'>,
): void {
  const fd = inNetns(target.netns, () => createLink({ programFd, ifindex: target.ifindex, ...link }));
  try {
    unpin(linkPath(target)); // one that is left is on an interface that is gone
    pinObject(fd, linkPath(target));
  } finally {
    closeSync(fd); // without its pin the link goes, and the hook is as before
  }
}

/** A link to an interface that is not there is refused as an invalid argument. */
function isGone(target: HookTarget, error: unknown): boolean {
  if (failedWith(error, 'ENODEV', 'ENXIO')) return true;
  return failedWith(error, 'EINVAL') && readLink(target.netns, target.ifindex) === undefined;
}

/** Says why a hook did not take a program. */
export function attachError(target: HookTarget, error: unknown): unknown {
  const cause = kernelCause(error);
  if (error instanceof L3afError || cause === undefined) return error;
  const where = `${target.node}/${target.interface}/${target.hook}`;
  if (isGone(target, error)) {
    return new L3afError('interface-gone', cannot('attach', 'chain', where, 'there is no such interface'), {
      cause,
    });
  }
  if (failedWith(error, 'EBUSY', 'EEXIST')) {
    const { words, isDispatcher } = describeForeign(target);
    const hint =
      'Remove what is on the hook, or let the chain share it: `attach: {dispatcher: join}` in its document';
    return new L3afError('hook-taken', cannot('attach', 'chain', where, words), {
      cause,
      ...(isDispatcher && target.dispatcher === undefined && { hint }),
    });
  }
  if (failedWith(error, 'ERANGE')) {
    const state = 'the MTU is too large for programs without xdp.frags';
    return new L3afError('frags-mismatch', cannot('attach', 'chain', where, state), { cause });
  }
  return new L3afError('attach-failed', cannot('attach', 'chain', where, cause.said ?? cause.errnoCode), {
    cause,
  });
}
