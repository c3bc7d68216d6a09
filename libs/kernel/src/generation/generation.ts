import { closeSync } from 'node:fs';
import { cannot, L3afError } from '@l3af/contracts';
import { KernelMap } from '../bpf/map';
import { openPin, withPin } from '../bpf/pin';
import { programId } from '../bpf/program';
import { once } from '../sys/once';
import { control, kfsMax } from '../glue/counters-layout';
import { generationPaths, type GenerationPaths, type HookKey } from './paths';
import { readRecord, type GenerationRecord } from './record';
import type { ChainLayout } from '../glue/slots';

const only = Buffer.alloc(4);

/** Which KFs a control map says are on. */
export function readEnabled(map: KernelMap, count: number): boolean[] {
  const value = map.lookup(only) ?? Buffer.alloc(control.bytes);
  return Array.from({ length: count }, (_, index) => value.readUInt8(control.disabled + index) === 0);
}

/** Writes which KFs are on and after which the chain ends. */
export function writeControl(map: KernelMap, enabled: readonly boolean[], ends: readonly boolean[]): void {
  const value = Buffer.alloc(control.bytes);
  for (let index = 0; index < Math.min(enabled.length, kfsMax); index++) {
    value.writeUInt8(ends[index] ? 1 : 0, control.ends + index);
    value.writeUInt8(enabled[index] ? 0 : 1, control.disabled + index);
  }
  map.update(only, value);
}

const slotKey = (index: number): Buffer => {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  return key;
};

/** Puts each KF's successor into the program array: first what is set, then what is emptied. */
function writeSlots(
  programs: KernelMap,
  layout: ChainLayout,
  { fds, from }: { fds: readonly number[]; from: number },
): void {
  layout.slots.forEach((kf, index) => {
    const fd = kf === undefined ? undefined : fds[kf];
    if (fd === undefined) return;
    const value = Buffer.alloc(4);
    value.writeUInt32LE(fd);
    programs.update(slotKey(from + index), value);
  });
  layout.slots.forEach((kf, index) => {
    if (kf === undefined) programs.delete(slotKey(from + index));
  });
}

/** Fills the program array of a generation: the plain lane, and behind it the measuring one where there is one. */
export function writeLanes(
  programs: KernelMap,
  layout: ChainLayout,
  generation: Pick<PinnedGeneration, 'paths' | 'record'>,
): void {
  withPrograms(generation, 'kfProgram', (fds) => writeSlots(programs, layout, { fds, from: 0 }));
  if (!isMeasured(generation)) return;
  const from = measuringLaneFrom(layout.slots.length);
  withPrograms(generation, 'kfMeasuring', (fds) => writeSlots(programs, layout, { fds, from }));
}

const isMeasured = ({ record }: Pick<PinnedGeneration, 'record'>): boolean => record.samplerId !== undefined;

/** First slot of the lane of programs that measure, in the program array of a timed or watched generation. */
export const measuringLaneFrom = (count: number): number => count;

/** The program ids that the array holds. */
export function readSlots(programs: KernelMap, count: number): (number | undefined)[] {
  return Array.from({ length: count }, (_, index) => programs.lookup(slotKey(index))?.readUInt32LE(0));
}

/** A complete generation on bpffs. */
export interface PinnedGeneration {
  generation: number;
  paths: GenerationPaths;
  record: GenerationRecord;
  metadata: string;
}

export function openGeneration(key: HookKey, generation: number): PinnedGeneration | undefined {
  const paths = generationPaths(key, generation);
  const found = readRecord(paths.meta);
  return found && { generation, paths, ...found };
}

export function requireGeneration(key: HookKey, generation: number): PinnedGeneration {
  const found = openGeneration(key, generation);
  if (found) return found;
  throw new L3afError(
    'unknown-chain',
    cannot(
      'open',
      'generation',
      `${key.node}/${key.interface}/${key.hook}/${generation}`,
      'it is not loaded',
    ),
  );
}

export function kfIndex(generation: PinnedGeneration, name: string): number {
  const index = generation.record.kfs.findIndex((kf) => kf.name === name);
  if (index >= 0) return index;
  const names = generation.record.kfs.map((kf) => kf.name).join(', ');
  throw new L3afError(
    'unknown-instance',
    cannot('find', 'KF', name, `generation ${generation.generation} has ${names || 'none'}`),
  );
}

export function openMapPin(path: string): KernelMap {
  const fd = openPin(path);
  if (fd === undefined) throw new L3afError('kernel-error', cannot('open', 'pin', path, 'it is gone'));
  return new KernelMap(fd);
}

/** The path of the program that the hook must run for a layout. */
export function headPath(generation: PinnedGeneration, layout: ChainLayout): string {
  if (isMeasured(generation)) return generation.paths.sampler;
  const { head } = layout;
  const kf = head === undefined ? undefined : generation.record.kfs[head];
  return head === undefined || kf === undefined
    ? generation.paths.pass
    : generation.paths.kfProgram(head, kf.name);
}

/** Switches of a generation as they are now. */
export function enabledOf({ paths, record }: PinnedGeneration): boolean[] {
  return once(`enabled ${paths.control}`, () => {
    using map = openMapPin(paths.control);
    return readEnabled(map, record.kfs.length);
  });
}

/** Ids of every program that can be a generation's head. */
export function headIds(generation: PinnedGeneration): Set<number> {
  const { passId, samplerId, kfs } = generation.record;
  return new Set([passId, ...(samplerId === undefined ? [] : [samplerId]), ...kfs.map((kf) => kf.programId)]);
}

/** Opens the programs of all KFs for the body, in order. */
function withPrograms<T>(
  generation: Pick<PinnedGeneration, 'paths' | 'record'>,
  lane: 'kfProgram' | 'kfMeasuring',
  body: (fds: number[]) => T,
): T {
  const fds: number[] = [];
  try {
    generation.record.kfs.forEach((kf, index) => {
      const path = generation.paths[lane](index, kf.name);
      const fd = openPin(path);
      if (fd === undefined) throw new L3afError('kernel-error', cannot('open', 'pin', path, 'it is gone'));
      fds.push(fd);
    });
    return body(fds);
  } finally {
    fds.forEach((fd) => closeSync(fd));
  }
}

export function pinnedProgramId(path: string): number | undefined {
  return withPin(path, (fd) => programId(fd));
}
