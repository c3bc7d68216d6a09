import { closeSync } from 'node:fs';
import { cannot, L3afError, type ObjectSchema } from '@l3af/contracts';
import { createMap, KernelMap } from '../bpf/map';
import { makeFolder, pinObject, removeFolder } from '../bpf/pin';
import { loadInstructions, programFlags, programId, programType } from '../bpf/program';
import { failedCallsCount } from '../features/kernel';
import { asL3afError } from '../sys/errors';
import { Serial } from '../sys/serial';
import { probeFeatures } from '../features/probe';
import type { GenerationLoad, HookTarget, LoadedGeneration, LoadedKf } from '../types';
import { attachKind, expectedAttachType } from '../attach/kind';
import { extensionTarget, type ExtensionTarget } from '../attach/dispatcher/extension';
import { chainFunctions } from '../attach/dispatcher/root-program';
import { agreedFrags, readSchemas, requireRoom, requireTailCallBudget } from './checks';
import { row, control } from '../glue/counters-layout';
import {
  measuringLaneFrom,
  openGeneration,
  writeControl,
  writeLanes,
  type PinnedGeneration,
} from '../generation/generation';
import { chainLayout } from '../glue/slots';
import { passProgram } from '../glue/glue';
import { samplerProgram } from '../glue/timer-glue';
import { closeWatch, createWatch, gateOf, isMeasured, type WatchContext } from './watched';
import { ensureBpffs } from '../generation/bpffs';
import { liveGeneration } from '../generation/live';
import { loadKf, type LoadedKfParts } from './load-kf';
import { generationPaths, hookFolder, type GenerationPaths } from '../generation/paths';
import { pinRecord, type AttachKind, type GenerationRecord } from '../generation/record';
import { removeEmptyFolders } from '../chain/remove';

/** One generation at a time: what is open meanwhile counts against a small process. */
const loads = new Serial();

/** Everything that the KFs of a generation share. */
export interface GenerationContext {
  target: HookTarget;
  load: GenerationLoad;
  paths: GenerationPaths;
  frags: boolean;
  attach: AttachKind;
  /** Where a dispatcher's programs must be extensions, all of them. */
  extension: ExtensionTarget | undefined;
  maps: { programs: KernelMap; counters: KernelMap; control: KernelMap };
  previous: PinnedGeneration | undefined;
  /** Of a watched generation. */
  watch?: WatchContext | undefined;
}

/**
 * Loads and pins a generation, off the packet path: nothing that runs is changed, not even a map. On any failure
 * nothing of it is left. Requires Linux >= 5.10.
 */
export function loadGeneration(target: HookTarget, load: GenerationLoad): Promise<LoadedGeneration> {
  return loads.run(() => loadNow(target, load));
}

async function loadNow(target: HookTarget, load: GenerationLoad): Promise<LoadedGeneration> {
  const started = performance.now();
  ensureBpffs();
  requireRoom(load.kfs.length);
  const schemas = readSchemas(load.kfs);
  const frags = agreedFrags(target.hook, load.kfs, schemas);
  if (frags) requireFrags();
  const paths = generationPaths(target, load.generation);
  const live = liveGeneration(target);
  if (live?.generation === load.generation) {
    throw new L3afError('conflict', cannot('load', 'generation', String(load.generation), 'it is live'));
  }
  const previous = chooseReuse(target, load, live);
  const attach = attachKind(target);
  removeFolder(paths.folder);
  try {
    makeFolder(paths.folder);
    const warnings: string[] = [];
    const kfs = await fill(
      { target, load, paths, frags, previous, attach, extension: extensionTarget(attach) },
      schemas,
      warnings,
    );
    return { generation: load.generation, kfs, warnings, loadMs: performance.now() - started };
  } catch (error) {
    removeFolder(paths.folder);
    removeEmptyFolders(hookFolder(target));
    throw asL3afError({ verb: 'load', noun: 'generation', value: String(load.generation) }, error);
  }
}

function requireFrags(): void {
  const { supported, kernel } = probeFeatures();
  if (supported['xdp-frags'] === true) return;
  throw new L3afError(
    'kernel-unsupported',
    `Cannot load chain: this is Linux ${kernel}, its KFs are built for xdp.frags (Linux 5.18)`,
  );
}

function chooseReuse(target: HookTarget, load: GenerationLoad, live: PinnedGeneration | undefined) {
  if (load.reuseFrom === null) return undefined;
  return load.reuseFrom === undefined ? live : openGeneration(target, load.reuseFrom);
}

async function fill(
  partial: Omit<GenerationContext, 'maps' | 'watch'>,
  schemas: readonly ObjectSchema[],
  warnings: string[],
): Promise<LoadedKf[]> {
  const { load, paths, attach, frags, target } = partial;
  const watch = load.watch && createWatch(paths, load.watch);
  const maps = createChainMaps(paths, load);
  const parts: LoadedKfParts[] = [];
  try {
    const passId = pinPass(partial);
    const context: GenerationContext = { ...partial, maps, watch };
    for (const [index, kf] of load.kfs.entries()) {
      const schema = schemas[index];
      if (schema === undefined) throw new RangeError(`no schema ${index}`);
      parts.push(await loadKf(context, { index, kf, schema }));
    }
    warnings.push(...parts.flatMap((part) => part.warnings));
    requireTailCallBudget(
      parts.map(({ record, shape, ownCallsSucceed }) => ({
        name: record.name,
        shape,
        succeeds: ownCallsSucceed,
      })),
      { failedCallsCount: failedCallsCount(), measured: isMeasured(load) },
    );
    const record: GenerationRecord = {
      hook: target.hook,
      attach,
      frags,
      passId,
      ...(isMeasured(load) && { samplerId: pinSampler(context) }),
      kfs: parts.map((part) => part.record),
    };
    linkUp(context, record);
    pinRecord(paths.meta, record, load.metadata);
    return parts.map((part, index) => ({
      name: part.record.name,
      digest: part.record.digest,
      programId: part.record.programId,
      enabled: load.kfs[index]?.enabled ?? true,
      glue: part.record.glue,
      reusedMaps: part.reusedMaps,
      carriedMaps: part.carriedMaps,
    }));
  } finally {
    maps.programs.close();
    maps.counters.close();
    maps.control.close();
    closeWatch(watch);
  }
}

/** A program array is emptied when its last descriptor or pin goes, so it is pinned before anything is in it. */
function createChainMaps(paths: GenerationPaths, load: GenerationLoad): GenerationContext['maps'] {
  const entriesMax = Math.max(load.kfs.length, 1);
  const make = (path: string, map: Omit<Parameters<typeof createMap>[0], 'keyBytes'>): KernelMap => {
    const created = new KernelMap(createMap({ ...map, keyBytes: 4 }));
    pinObject(created.fd, path);
    return created;
  };
  const accounts = make(paths.accounts, { type: 'array', name: 'l3af_accounts', valueBytes: 16, entriesMax });
  accounts.close();
  return {
    programs: make(paths.programs, {
      type: 'prog_array',
      name: 'l3af_chain',
      valueBytes: 4,
      entriesMax: isMeasured(load) ? measuringLaneFrom(load.kfs.length) + entriesMax : entriesMax,
    }),
    counters: make(paths.counters, {
      type: 'percpu_array',
      name: 'l3af_counters',
      valueBytes: row.bytes,
      entriesMax,
    }),
    control: make(paths.control, {
      type: 'array',
      name: 'l3af_control',
      valueBytes: control.bytes,
      entriesMax: 1,
    }),
  };
}

function pinPass(context: Omit<GenerationContext, 'maps'>): number {
  return pinOwn(context, context.paths.pass, {
    name: 'l3af_pass',
    instructions: passProgram(context.target.hook),
  });
}

function pinSampler(context: GenerationContext): number {
  const { hook } = context.target;
  const programs = context.maps.programs.fd;
  const laneFrom = measuringLaneFrom(context.load.kfs.length);
  const program = context.watch
    ? { name: 'l3af_gate', instructions: gateOf(context, context.watch, laneFrom) }
    : { name: 'l3af_sampler', instructions: samplerProgram({ hook, programs, timedFrom: laneFrom }) };
  return pinOwn(context, context.paths.sampler, program);
}

/** Loads and pins a program that is all ours; returns its id. */
function pinOwn(
  { target, frags, attach, extension }: Pick<GenerationContext, 'target' | 'frags' | 'attach' | 'extension'>,
  path: string,
  program: { name: string; instructions: Buffer },
): number {
  const xdp = target.hook === 'xdp';
  const fd = loadInstructions({
    type: extension ? programType.extension : xdp ? programType.xdp : programType.schedCls,
    ...program,
    extends: extension && { ...extension, functionTypeId: chainFunctions.main },
    attachType: expectedAttachType(attach),
    flags: frags ? programFlags.xdpHasFrags : 0,
  });
  try {
    pinObject(fd, path);
    return programId(fd);
  } finally {
    closeSync(fd);
  }
}

/** Fills the program array and the switches. */
function linkUp({ load, paths, maps }: GenerationContext, record: GenerationRecord): void {
  const enabled = load.kfs.map((kf) => kf.enabled);
  const layout = chainLayout(enabled);
  writeControl(maps.control, enabled, layout.ends);
  writeLanes(maps.programs, layout, { paths, record });
}
