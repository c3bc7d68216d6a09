import { detachHook, linkedProgram } from '../attach/attached';
import { joinedInterface } from '../attach/dispatcher/joined';
import { readLink } from '../net/links';
import type { HookTarget } from '../types';
import { recordedFilterInterface } from './filter-record';
import { completeGenerations } from '../generation/live';
import type { HookKey } from '../generation/paths';
import { detach, removePins } from './remove';

/** The interface that a chain was put on, by its number: its name may be another one since. */
function attachedInterface(key: HookKey): number | undefined {
  return linkedProgram(key)?.ifindex ?? recordedFilterInterface(key) ?? joinedInterface(key);
}

/**
 * Lets go of a chain whose interface is not there under its name any more: one that was renamed is left as if the chain had never
 * been on it; of one that is gone only the pins are left to remove.
 */
export function releaseHook(key: HookKey, netns?: string): void {
  const ifindex = attachedInterface(key);
  if (ifindex !== undefined && readLink(netns, ifindex) !== undefined) detach({ ...key, netns, ifindex });
  else removePins(key);
}

/** Takes a chain off the interface that had its name before this one: at once, as unpinning its link would not. */
export function releaseElsewhere(target: HookTarget): void {
  const ifindex = attachedInterface(target);
  if (ifindex === undefined || ifindex === target.ifindex) return;
  if (readLink(target.netns, ifindex) === undefined) return;
  detachHook({ ...target, ifindex }, completeGenerations(target));
}
