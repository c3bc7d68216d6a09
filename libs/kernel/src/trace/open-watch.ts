import { openMapPin, requireGeneration } from '../generation/generation';
import type { HookTarget } from '../types';
import { RingReader } from './ring-reader';
import { readLost } from './watch-maps';
import { readRecord } from './watch-record';
import type { Watch } from './watch-types';

/** Opens what a watched generation records, live or not. The caller closes it. */
export function openWatch(target: HookTarget, generation: number): Watch {
  const { paths } = requireGeneration(target, generation);
  using ring = openMapPin(paths.watchRing);
  const control = openMapPin(paths.watchControl);
  const reader = new RingReader(ring.fd);
  const close = (): void => {
    reader.close();
    control.close();
  };
  return {
    read: () => reader.read().map(readRecord),
    lost: () => readLost(control),
    close,
    [Symbol.dispose]: close,
  };
}
