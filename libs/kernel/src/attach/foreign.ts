import { withId } from '../bpf/info';
import { attachType, programInfo } from '../bpf/program';
import { queryHook } from '../bpf/query';
import { hasTcx } from '../features/tcx';
import { readLink } from '../net/links';
import { failedWith } from '../sys/errors';
import { inNetns } from '../sys/netns';
import type { ForeignOwner, HookTarget } from '../types';
import { listFilters } from './cls-bpf';
import { readDispatcher } from './dispatcher/read';

function foreignOwner(programId: number, mode: ForeignOwner['mode']): ForeignOwner {
  const found = withId('program', programId, (fd) => {
    const info = programInfo(fd);
    return { name: info.name, dispatcher: readDispatcher(info) };
  });
  return {
    programId,
    kind: found?.dispatcher ? 'libxdp-dispatcher' : 'program',
    name: found?.name ?? '',
    mode,
    ...(found?.dispatcher && { dispatcher: found.dispatcher }),
  };
}

/** Others' programs on the hook, in the order in which they run. */
export function listForeign(target: HookTarget, ours: ReadonlySet<number>): ForeignOwner[] {
  const all = target.hook === 'xdp' ? xdpPrograms(target) : tcPrograms(target);
  return all
    .filter(({ programId }) => !ours.has(programId))
    .map(({ programId, mode }) => foreignOwner(programId, mode));
}

interface OnHook {
  programId: number;
  mode: ForeignOwner['mode'];
}

function xdpPrograms(target: HookTarget): OnHook[] {
  const xdp = readLink(target.netns, target.ifindex)?.xdp ?? {};
  return [
    ...(xdp.native ? [{ programId: xdp.native, mode: 'native' as const }] : []),
    ...(xdp.generic ? [{ programId: xdp.generic, mode: 'generic' as const }] : []),
  ];
}

/** The programs of a TC hook in the order in which they run: tcx before cls_bpf. */
export function tcPrograms(target: HookTarget): OnHook[] {
  const filters = listFilters(target).map(({ programId }) => ({ programId, mode: 'cls_bpf' as const }));
  return [...tcxPrograms(target), ...filters];
}

function tcxPrograms(target: HookTarget): OnHook[] {
  if (!hasTcx()) return [];
  const type = target.hook === 'tc-ingress' ? attachType.tcxIngress : attachType.tcxEgress;
  try {
    const { programs } = inNetns(target.netns, () => queryHook(target.ifindex, type));
    return programs.map(({ programId }) => ({ programId, mode: 'tcx' as const }));
  } catch (error) {
    if (failedWith(error, 'ENODEV', 'ENOENT')) return [];
    throw error;
  }
}

/** Who holds the hook, in words for an error. */
export function describeForeign(target: HookTarget): { words: string; isDispatcher: boolean } {
  const foreign = listForeign(target, new Set());
  const owners = foreign.map(({ kind, name, programId, dispatcher }) => {
    if (kind !== 'libxdp-dispatcher') return `program ${programId}${name ? ` (${name})` : ''} is on the hook`;
    const names = dispatcher?.programs.map((program) => program.name).join(', ');
    return `a libxdp dispatcher (version ${dispatcher?.version ?? 0}) with ${names || 'no programs'} is on the hook`;
  });
  return {
    words: owners.join(', ') || 'another program is on the hook',
    isDispatcher: foreign.some(({ kind }) => kind === 'libxdp-dispatcher'),
  };
}
