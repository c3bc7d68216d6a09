import { encodeToken } from '@l3af/contracts';
import { join } from 'node:path';
import type { HookTarget } from '../types';

/** Where bpffs is mounted. */
export const bpffsRoot = '/sys/fs/bpf';
export const l3afRoot = join(bpffsRoot, 'l3af');

/** The parts of a target that decide its place. */
export type HookKey = Pick<HookTarget, 'instance' | 'node' | 'interface' | 'hook'>;

export const instanceFolder = (instance: string): string => join(l3afRoot, encodeToken(instance));
export const nodeFolder = (key: Pick<HookKey, 'instance' | 'node'>): string =>
  join(instanceFolder(key.instance), encodeToken(key.node));
export const interfaceFolder = (key: Omit<HookKey, 'hook'>): string =>
  join(nodeFolder(key), encodeToken(key.interface));
export const hookFolder = (key: HookKey): string => join(interfaceFolder(key), key.hook);

/** The XDP or tcx link. */
export const linkPath = (key: HookKey): string => join(hookFolder(key), 'link');
/** Where a libxdp dispatcher runs the chain: our program among its own, and the array whose one slot is the chain's first program. */
export const joinedPath = (key: HookKey): string => join(hookFolder(key), 'joined');
export const rootPath = (key: HookKey): string => join(hookFolder(key), 'root');
/** On kernels without tcx: the record of our cls_bpf filter, since a filter cannot be pinned. */
export const filterPath = (key: HookKey): string => join(hookFolder(key), 'filter');

/** Maps that KFs want pinned by name, shared by the KFs of a node. No token has a `+`, so it meets no interface. */
export const sharedMapsFolder = (key: Pick<HookKey, 'instance' | 'node'>): string =>
  join(nodeFolder(key), '+maps');
export const sharedMapPath = (key: Pick<HookKey, 'instance' | 'node'>, map: string): string =>
  join(sharedMapsFolder(key), encodeToken(map));

/** The pins of one generation. */
export interface GenerationPaths {
  folder: string;
  /** Pinned last: a generation without it was never completed. */
  meta: string;
  programs: string;
  counters: string;
  control: string;
  accounts: string;
  /** Made when counters are first reset. */
  baseline: string;
  pass: string;
  /** Of a timed or watched generation: the program that the hook runs first. */
  sampler: string;
  /** Of a watched generation: what its programs and user space share. */
  watchRing: string;
  watchControl: string;
  kfFolder(index: number, name: string): string;
  kfProgram(index: number, name: string): string;
  /** Of a timed or watched generation: the KF once more, with what measures around it. */
  kfMeasuring(index: number, name: string): string;
  kfMap(at: { index: number; name: string }, map: string): string;
  kfExtra(at: { index: number; name: string }, program: string): string;
  kfLink(at: { index: number; name: string }, program: string): string;
}

export function generationPaths(key: HookKey, generation: number): GenerationPaths {
  const folder = join(hookFolder(key), String(generation));
  const kfFolder = (index: number, name: string): string => join(folder, `${index}_${encodeToken(name)}`);
  return {
    folder,
    meta: join(folder, 'meta'),
    programs: join(folder, 'programs'),
    counters: join(folder, 'counters'),
    control: join(folder, 'control'),
    accounts: join(folder, 'accounts'),
    baseline: join(folder, 'baseline'),
    pass: join(folder, 'pass'),
    sampler: join(folder, 'sampler'),
    watchRing: join(folder, 'watch-ring'),
    watchControl: join(folder, 'watch-control'),
    kfFolder,
    kfProgram: (index, name) => join(kfFolder(index, name), 'program'),
    kfMeasuring: (index, name) => join(kfFolder(index, name), 'measuring'),
    kfMap: (at, map) => join(kfFolder(at.index, at.name), 'maps', encodeToken(map)),
    kfExtra: (at, program) => join(kfFolder(at.index, at.name), 'extra', encodeToken(program)),
    kfLink: (at, program) => join(kfFolder(at.index, at.name), 'links', encodeToken(program)),
  };
}

/** The generation number of a folder's name; undefined for anything else. */
export function generationOf(name: string): number | undefined {
  return /^[0-9]{1,15}$/.test(name) ? Number(name) : undefined;
}
