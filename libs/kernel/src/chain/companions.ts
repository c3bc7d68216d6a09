import { closeSync, existsSync } from 'node:fs';
import { attachTracing, parseTracing } from '../attach/tracing';
import { pinObject, unpin, withPin } from '../bpf/pin';
import type { Companion } from '../object/open';
import type { PinnedGeneration } from './generation';
import type { KfRecord } from './record';

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

/** Attaches a live generation's tracing programs; they are released with it. */
export function attachCompanions(generation: PinnedGeneration): void {
  generation.record.kfs.forEach((kf, index) => {
    for (const { name, section } of kf.companions) {
      const path = generation.paths.kfLink({ index, name: kf.name }, name);
      const place = parseTracing(section);
      if (place === undefined || existsSync(path)) continue;
      withPin(generation.paths.kfExtra({ index, name: kf.name }, name), (programFd) => {
        const linkFd = attachTracing(place, programFd);
        try {
          pinObject(linkFd, path);
        } finally {
          closeSync(linkFd);
        }
      });
    }
  });
}

/** Two generations that share maps must not both count, so the one that is not live has none attached. */
export function detachCompanions(generation: PinnedGeneration): void {
  generation.record.kfs.forEach((kf, index) => {
    for (const { name } of kf.companions) unpin(generation.paths.kfLink({ index, name: kf.name }, name));
  });
}
