import { hasTcx } from '../features/tcx';
import type { HookTarget } from '../types';
import type { AttachKind } from '../chain/record';

/** How a chain of this hook is attached on this kernel. */
export function attachKind(target: HookTarget): AttachKind {
  if (target.hook === 'xdp') return 'xdp';
  if (target.tc !== undefined) return target.tc;
  return hasTcx() ? 'tcx' : 'cls_bpf';
}
