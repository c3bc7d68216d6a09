import { attachType } from '../bpf/program';
import { linkedProgram } from './attached';
import { isJoined } from './dispatcher/joined';
import { hasTcx } from '../features/tcx';
import type { HookTarget } from '../types';
import type { AttachKind } from '../chain/record';

/**
 * What a chain's programs are loaded for. In one program array all must agree (Linux >= 6.1), and extensions, of which a
 * dispatcher's are, have none.
 */
export const expectedAttachType = (attach: AttachKind): number => (attach === 'xdp' ? attachType.xdp : 0);

/** A chain stays where it is, whatever its document says later: neither way becomes the other without a gap. */
function inDispatcher(target: HookTarget): boolean {
  if (isJoined(target)) return true;
  return target.dispatcher !== undefined && linkedProgram(target)?.ifindex !== target.ifindex;
}

/** How a chain of this hook is attached on this kernel. */
export function attachKind(target: HookTarget): AttachKind {
  if (target.hook === 'xdp') return inDispatcher(target) ? 'dispatcher' : 'xdp';
  if (target.tc !== undefined) return target.tc;
  return hasTcx() ? 'tcx' : 'cls_bpf';
}
