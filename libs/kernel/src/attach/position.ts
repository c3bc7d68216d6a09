import { closeSync, readFileSync } from 'node:fs';
import { cannot, L3afError } from '@l3af/contracts';
import { withId } from '../bpf/info';
import { linkFlags } from '../bpf/link';
import { openPin } from '../bpf/pin';
import { programInfo } from '../bpf/program';
import type { HookTarget, Neighbour } from '../types';

/** A program on a hook, in the order in which they run. */
export interface OnHook {
  programId: number;
}

const nameOf = (programId: number): string =>
  withId('program', programId, (fd) => programInfo(fd).name) ?? '';

const label = ({ programId }: OnHook): string => {
  const name = nameOf(programId);
  return name ? `${programId} (${name})` : String(programId);
};

/** The program of a pinned program or link: the kernel tells it of every descriptor of either. */
function pinnedProgram(path: string): number | undefined {
  const fd = openPin(path);
  if (fd === undefined) return undefined;
  try {
    const id = /^prog_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return id === undefined ? undefined : Number(id);
  } finally {
    closeSync(fd);
  }
}

/** The programs on the hook that a neighbour may mean. */
function candidates(neighbour: Neighbour, programs: readonly OnHook[]): OnHook[] {
  if (typeof neighbour === 'number') return programs.filter(({ programId }) => programId === neighbour);
  if (!neighbour.startsWith('/')) return programs.filter(({ programId }) => nameOf(programId) === neighbour);
  const pinned = pinnedProgram(neighbour);
  return programs.filter(({ programId }) => programId === pinned);
}

/** The program that a neighbour means; a refusal names what there is. */
function findNeighbour(target: HookTarget, neighbour: Neighbour, programs: readonly OnHook[]): number {
  const [found, second] = candidates(neighbour, programs);
  if (found && !second) return found.programId;
  const all = programs.map(label).join(', ') || 'none';
  const where = `${target.node}/${target.interface}/${target.hook}`;
  const state = second
    ? `several programs on the hook are called "${neighbour}": ${all}`
    : `its neighbour "${neighbour}" is not on the hook, which has ${all}`;
  throw new L3afError('attach-failed', cannot('attach', 'chain', where, state), {
    hint: 'Name a program of the hook in `attach.position`, by its id where names are not enough',
  });
}

/** Where a link goes, as the kernel takes it. */
export interface Anchor {
  flags: number;
  relativeId?: number;
}

/** The place in the order that a target asks for. `programs` are those on the hook; all but ours. */
export function anchorOf(target: HookTarget, programs: readonly OnHook[]): Anchor {
  const { position = 'last' } = target;
  if (position === 'first') return { flags: linkFlags.before };
  if (position === 'last') return { flags: linkFlags.after };
  const [neighbour, side] =
    'before' in position ? [position.before, linkFlags.before] : [position.after, linkFlags.after];
  return { flags: side | linkFlags.byId, relativeId: findNeighbour(target, neighbour, programs) };
}

/** Programs on the wrong side of a chain, with what is wrong; a neighbour that is gone is none. */
export function misplaced(
  target: HookTarget,
  { before, after }: { before: readonly OnHook[]; after: readonly OnHook[] },
): string[] {
  const { position } = target;
  if (position === undefined || position === 'last') return [];
  if (position === 'first') return before.map((one) => `program ${label(one)} runs before the chain`);
  const wrong =
    'before' in position ? candidates(position.before, before) : candidates(position.after, after);
  const side = 'before' in position ? 'before' : 'behind';
  return wrong.map((one) => `program ${label(one)} runs ${side} the chain`);
}
