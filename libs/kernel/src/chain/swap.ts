import { closeSync } from 'node:fs';
import { cannot, L3afError, type AttachMode } from '@l3af/contracts';
import { allHeadIds } from '../attach/attached';
import { attachByLink, attachError, xdpMode } from '../attach/attach';
import { ourFilter, putFilter } from '../attach/cls-bpf';
import { runInDispatcher } from '../attach/dispatcher/join';
import { openPin } from '../bpf/pin';
import type { HookTarget, SwapResult } from '../types';
import { attachCompanions, detachCompanions } from '../load/companions';
import { recordFilter } from './filter-record';
import { enabledOf, headPath, requireGeneration, type PinnedGeneration } from '../generation/generation';
import { releaseElsewhere } from './release';
import { chainLayout } from '../glue/slots';
import { completeGenerations, liveGeneration } from '../generation/live';

/**
 * Makes a loaded generation live by one atomic replacement of the attachment: every packet sees the old chain or the
 * new one. The first attach is not such a replacement. Going back to a generation that is still loaded is the same.
 */
export function swapTo(target: HookTarget, generation: number): SwapResult {
  const next = requireGeneration(target, generation);
  const before = liveGeneration(target);
  // Whatever may fail comes before the swap, so that a failure leaves the hook as it was.
  const isOther = before?.generation !== generation;
  try {
    attachCompanions(next);
    const started = performance.now();
    const { mode, firstAttach } = attachHead(target, next);
    const swapMs = performance.now() - started;
    if (before !== undefined && isOther) detachCompanions(before);
    return { mode, swapMs, firstAttach };
  } catch (error) {
    if (isOther) detachCompanions(next);
    throw error;
  }
}

/** Puts the program that a generation starts with on the hook. */
export function attachHead(
  target: HookTarget,
  generation: PinnedGeneration,
): { mode: AttachMode; firstAttach: boolean } {
  const path = headPath(generation, chainLayout(enabledOf(generation)));
  const programFd = openPin(path);
  if (programFd === undefined) throw new L3afError('kernel-error', cannot('open', 'pin', path, 'it is gone'));
  try {
    releaseElsewhere(target);
    switch (generation.record.attach) {
      case 'cls_bpf':
        return attachFilter(target, programFd);
      case 'dispatcher':
        return attachInDispatcher(target, programFd, generation.record.frags);
      case 'xdp':
      case 'tcx':
        return attachByLink(target, programFd);
    }
  } finally {
    closeSync(programFd);
  }
}

function attachInDispatcher(
  target: HookTarget,
  programFd: number,
  frags: boolean,
): { mode: AttachMode; firstAttach: boolean } {
  try {
    const { joined } = runInDispatcher(target, programFd, frags);
    return { mode: xdpMode(target), firstAttach: joined };
  } catch (error) {
    throw attachError(target, error);
  }
}

function attachFilter(target: HookTarget, programFd: number): { mode: AttachMode; firstAttach: boolean } {
  try {
    const before = ourFilter(target, allHeadIds(completeGenerations(target)));
    recordFilter(target, putFilter(target, programFd, before));
    return { mode: 'cls_bpf', firstAttach: before === undefined };
  } catch (error) {
    throw attachError(target, error);
  }
}
