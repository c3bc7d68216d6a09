import { attachType } from '../bpf/program';
import { completeGenerations } from '../generation/live';
import { attachedProgram, type Attached } from './attached';
import { isJoined } from './dispatcher/joined';
import { hasTcx } from '../features/tcx';
import type { HookTarget } from '../types';
import type { AttachKind } from '../generation/record';

/**
 * What a chain's programs are loaded for. In one program array all must agree (Linux >= 6.1), and extensions, of which a
 * dispatcher's are, have none.
 */
export const expectedAttachType = (attach: AttachKind): number => (attach === 'xdp' ? attachType.xdp : 0);

/**
 * How a chain of this hook is attached on this kernel. One that is attached stays where it is, whatever its document says later:
 * no way becomes another without a gap, or packets that see the chain twice.
 */
export function attachKind(target: HookTarget): AttachKind {
  const by = attachedProgram(target, completeGenerations(target))?.by;
  if (target.hook === 'xdp') return xdpKind(target, by);
  if (by !== undefined) return by === 'link' ? 'tcx' : 'cls_bpf';
  if (target.tc !== undefined) return target.tc;
  return hasTcx() ? 'tcx' : 'cls_bpf';
}

function xdpKind(target: HookTarget, by: Attached['by'] | undefined): AttachKind {
  if (by === 'link') return 'xdp';
  return isJoined(target) || target.dispatcher !== undefined ? 'dispatcher' : 'xdp';
}
