import type { HookTarget } from '../types';
import { settleAccounts } from './counters';
import {
  kfIndex,
  openMapPin,
  readEnabled,
  requireGeneration,
  writeControl,
  writeLanes,
} from '../generation/generation';
import { liveGeneration } from '../generation/live';
import { chainLayout } from '../glue/slots';
import { attachHead } from './swap';

/**
 * Switches a KF off or on by rewriting the program array, or for the first KF the link: one write decides, and there
 * is nothing on the packet path. Repeating it completes what a crash left half done.
 */
export function setEnabled(
  target: HookTarget,
  generation: number,
  { kf, enabled }: { kf: string; enabled: boolean },
): void {
  const pinned = requireGeneration(target, generation);
  const index = kfIndex(pinned, kf);
  using control = openMapPin(pinned.paths.control);
  using programs = openMapPin(pinned.paths.programs);
  const before = readEnabled(control, pinned.record.kfs.length);
  const after = before.map((on, at) => (at === index ? enabled : on));
  const [old, next] = [chainLayout(before), chainLayout(after)];
  const isLive = liveGeneration(target)?.generation === generation;
  settleAccounts(pinned, before);
  // A slot that is about to be empty must already be known as the end, or its packets would count as a broken chain.
  writeControl(
    control,
    after,
    next.ends.map((end, at) => end || old.ends[at] === true),
  );
  writeLanes(programs, next, pinned);
  if (isLive) attachHead(target, pinned);
  writeControl(control, after, next.ends);
}
