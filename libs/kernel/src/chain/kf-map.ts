import { cannot, L3afError } from '@l3af/contracts';
import { KernelMap } from '../bpf/map';
import { openPin } from '../bpf/pin';
import type { HookTarget, KfMap } from '../types';
import { kfIndex, requireGeneration } from '../generation/generation';

/** Opens a map of a loaded KF. The caller closes it. */
export function openKfMap(
  target: HookTarget,
  generation: number,
  { kf, map }: { kf: string; map: string },
): KfMap {
  const pinned = requireGeneration(target, generation);
  const index = kfIndex(pinned, kf);
  const fd = openPin(pinned.paths.kfMap({ index, name: kf }, map));
  if (fd !== undefined) return new KernelMap(fd);
  const names = pinned.record.kfs[index]?.maps.map(({ name }) => name).join(', ');
  throw new L3afError(
    'invalid-request',
    cannot('open', 'map', `${kf}/${map}`, `the KF has ${names || 'no maps'}`),
  );
}
