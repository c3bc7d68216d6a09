import { attachedProgram, allHeadIds, linkedProgram, type Attached } from '../attach/attached';
import { xdpMode } from '../attach/attach';
import { listForeign, tcPrograms } from '../attach/foreign';
import { misplaced } from '../attach/position';
import type { AttachMode } from '@l3af/contracts';
import type { HookDrift, HookTarget, ObservedGeneration, ObservedHook } from '../types';
import { existsSync } from 'node:fs';
import { recordedFilterInterface } from './filter-record';
import {
  enabledOf,
  headIds,
  headPath,
  openGeneration,
  openMapPin,
  pinnedProgramId,
  readSlots,
  type PinnedGeneration,
} from '../generation/generation';
import { generationNumbers } from '../generation/live';
import { joinedPath, linkPath } from '../generation/paths';
import { chainLayout } from '../glue/slots';

function describe(generation: PinnedGeneration): ObservedGeneration {
  const enabled = safely(() => enabledOf(generation)) ?? [];
  return {
    generation: generation.generation,
    complete: true,
    metadata: generation.metadata,
    kfs: generation.record.kfs.map(({ name, digest, program, programId, proceedOn }, index) => ({
      name,
      digest,
      program,
      programId,
      enabled: enabled[index] ?? true,
      proceedOn,
    })),
  };
}

const incomplete = (generation: number): ObservedGeneration => ({
  generation,
  complete: false,
  metadata: '',
  kfs: [],
});

/** What is missing is told as drift; it must not keep the rest from being seen. */
function safely<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch {
    return undefined;
  }
}

/** What is on the hook and on bpffs now. */
export function observeHook(target: HookTarget): ObservedHook {
  const numbers = generationNumbers(target);
  const pinned = numbers.flatMap((number) => openGeneration(target, number) ?? []);
  const attached = attachedProgram(target, pinned);
  const liveId = attached?.programId;
  const live = pinned.find((one) => liveId !== undefined && headIds(one).has(liveId));
  const generations = numbers.map((number) => {
    const found = pinned.find(({ generation }) => generation === number);
    return found ? describe(found) : incomplete(number);
  });
  const ours = allHeadIds(pinned);
  const mode = attached && modeOf(target, attached.by);
  return {
    attached: attached !== undefined,
    mode,
    live: live && generations.find(({ generation }) => generation === live.generation),
    generations,
    joined: attached?.by === 'dispatcher',
    foreign: listForeign(target, ours),
    drift: driftOf(target, { live, attached: liveId, ours, hasGenerations: pinned.length > 0 }),
  };
}

function modeOf(target: HookTarget, by: Attached['by']): AttachMode {
  if (target.hook === 'xdp') return xdpMode(target);
  return by === 'link' ? 'tcx' : 'cls_bpf';
}

interface Seen {
  live: PinnedGeneration | undefined;
  attached: number | undefined;
  ours: ReadonlySet<number>;
  hasGenerations: boolean;
}

function driftOf(target: HookTarget, seen: Seen): HookDrift[] {
  const drift: HookDrift[] = [];
  if (seen.attached === undefined) drift.push(...detachedDrift(target));
  if (seen.live !== undefined) drift.push(...chainDrift(seen.live, seen.attached));
  if (seen.attached !== undefined) drift.push(...orderDrift(target, seen.ours));
  return drift;
}

function detachedDrift(target: HookTarget): HookDrift[] {
  if (existsSync(joinedPath(target)))
    return [{ kind: 'detached', detail: 'the dispatcher on the hook does not run the chain' }];
  const linked = existsSync(linkPath(target));
  const other = linkedProgram(target);
  if (other !== undefined && other.ifindex !== target.ifindex) {
    return [{ kind: 'detached', detail: `our link is on interface ${other.ifindex}` }];
  }
  if (linked) return [{ kind: 'detached', detail: 'our link was detached' }];
  if (recordedFilterInterface(target) === target.ifindex) {
    return [{ kind: 'detached', detail: 'our filter was removed' }];
  }
  return [];
}

/** Compares the program array and the pins of the live chain with what its switches say. */
function chainDrift(live: PinnedGeneration, attached: number | undefined): HookDrift[] {
  const enabled = safely(() => enabledOf(live));
  if (enabled === undefined) return [{ kind: 'pin-missing', detail: `${live.paths.control} is gone` }];
  const layout = chainLayout(enabled);
  const drift = missingPins(live);
  const head = pinnedProgramId(headPath(live, layout));
  if (head !== undefined && head !== attached) {
    drift.push({ kind: 'slot-changed', detail: 'the hook runs another program of the chain than its first' });
  }
  const slots = safely(() => {
    using programs = openMapPin(live.paths.programs);
    return readSlots(programs, enabled.length);
  });
  if (slots === undefined)
    return [...drift, { kind: 'pin-missing', detail: `${live.paths.programs} is gone` }];
  layout.slots.forEach((kf, index) => {
    const expected = kf === undefined ? undefined : live.record.kfs[kf]?.programId;
    const found = slots[index];
    if (expected === found) return;
    const kind = found === undefined ? 'slot-empty' : 'slot-changed';
    drift.push({ kind, detail: `slot ${index} holds ${found ?? 'nothing'}, needs ${expected ?? 'nothing'}` });
  });
  return drift;
}

/** By record, which stays the same object while its text does. */
const pinsOf = new WeakMap<PinnedGeneration['record'], string[]>();

function expectedPins({ record, paths }: PinnedGeneration): string[] {
  const known = pinsOf.get(record);
  if (known !== undefined) return known;
  const pins = [
    paths.counters,
    paths.pass,
    ...record.kfs.flatMap((kf, index) => [
      paths.kfProgram(index, kf.name),
      ...kf.maps.map((map) => paths.kfMap({ index, name: kf.name }, map.name)),
    ]),
  ];
  pinsOf.set(record, pins);
  return pins;
}

const missingPins = (live: PinnedGeneration): HookDrift[] =>
  expectedPins(live)
    .filter((path) => !existsSync(path))
    .map((path) => ({ kind: 'pin-missing' as const, detail: `${path} is gone` }));

/** Programs that somebody put on the other side of the chain than its document says. */
function orderDrift(target: HookTarget, ours: ReadonlySet<number>): HookDrift[] {
  if (target.hook === 'xdp' || target.position === undefined) return [];
  const all = tcPrograms(target);
  const at = all.findIndex(({ programId }) => ours.has(programId));
  const wrong = misplaced(target, { before: all.slice(0, Math.max(at, 0)), after: all.slice(at + 1) });
  return wrong.map((detail) => ({ kind: 'foreign-before' as const, detail }));
}
