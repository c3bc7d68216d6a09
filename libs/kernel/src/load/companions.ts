import { closeSync, existsSync } from 'node:fs';
import { hold, isHeld, release } from '../attach/held-events';
import { attachTracing, hasPerfLinks, parseTracing, type AttachedTracing } from '../attach/tracing';
import { pinObject, unpin, withPin } from '../bpf/pin';
import type { Companion } from '../object/open';
import type { HookTarget } from '../types';
import type { PinnedGeneration } from '../generation/generation';
import { liveGeneration } from '../generation/live';
import type { KfRecord } from '../generation/record';

/** Which of an object's tracing programs can be attached; the others are told, not passed over. */
export function companionsOf(
  kf: string,
  companions: readonly Companion[],
): { known: KfRecord['companions']; warnings: string[] } {
  const known: KfRecord['companions'] = [];
  const warnings: string[] = [];
  for (const { name, section, type } of companions) {
    if (parseTracing(section) !== undefined) known.push({ name, section, type });
    else warnings.push(`KF ${kf}: program ${name} in section ${section} says no place to attach it to`);
  }
  return { known, warnings };
}

/** Attaches a live generation's tracing programs, those that are not yet; they are released with it. */
export function attachCompanions(generation: PinnedGeneration): void {
  generation.record.kfs.forEach((kf, index) => {
    for (const { name, section } of kf.companions) {
      const path = generation.paths.kfLink({ index, name: kf.name }, name);
      const place = parseTracing(section);
      if (place === undefined || isHeld(path) || existsSync(path)) continue;
      withPin(generation.paths.kfExtra({ index, name: kf.name }, name), (programFd) =>
        keep(path, attachTracing(place, programFd)),
      );
    }
  });
}

function keep(path: string, { fd, held }: AttachedTracing): void {
  if (held) return hold(path, fd);
  try {
    pinObject(fd, path);
  } finally {
    closeSync(fd);
  }
}

/** Two generations that share maps must not both count, so the one that is not live has none attached. */
export function detachCompanions(generation: PinnedGeneration): void {
  generation.record.kfs.forEach((kf, index) => {
    for (const { name } of kf.companions) {
      const path = generation.paths.kfLink({ index, name: kf.name }, name);
      release(path);
      unpin(path);
    }
  });
}

/**
 * Attaches what of the live generation's tracing programs is not: before Linux 5.15 they go with the process that attached them. Does
 * nothing where links can be pinned.
 */
export function reattachCompanions(target: HookTarget): void {
  if (hasPerfLinks()) return;
  const live = liveGeneration(target);
  if (live) attachCompanions(live);
}
