import type { Hook } from '@l3af/contracts';
import { deriveSchema } from '@l3af/bpf-object';
import { KernelMap } from '../bpf/map';
import { programId, testRunFd, type TestRunOptions, type TestRunResult } from '../bpf/program';
import type { ConstantPatch, KfMap, MapWrite } from '../types';
import { initialPrograms } from './initial-programs';
import { innerMapsOf } from './map-memory';
import { loadObject } from './load';
import { wantsFrags } from './open';
import { asL3afError } from '../sys/errors';

export interface PlainLoad {
  object: Uint8Array;
  /** The entry function. */
  program: string;
  hook: Hook;
  constants?: ConstantPatch[] | undefined;
  writes?: MapWrite[] | undefined;
}

/** A program loaded alone, without glue: for packet tests, verification and measuring. */
export interface PlainProgram {
  readonly fd: number;
  readonly programId: number;
  testRun(options: TestRunOptions): TestRunResult;
  /** Opens a map of the object. It is closed with the program. */
  map(name: string): KfMap;
  readonly mapNames: string[];
  close(): void;
  [Symbol.dispose](): void;
}

/** Loads one program of an object without glue; nothing is pinned or attached. */
export async function loadPlain(load: PlainLoad): Promise<PlainProgram> {
  try {
    return await loadNow(load);
  } catch (error) {
    throw asL3afError({ verb: 'load', noun: 'program', value: load.program }, error);
  }
}

async function loadNow(load: PlainLoad): Promise<PlainProgram> {
  const schema = deriveSchema(load.object);
  const section = schema.programs.find(({ name }) => name === load.program)?.section ?? '';
  const loaded = await loadObject({
    name: load.program,
    object: load.object,
    program: load.program,
    hook: load.hook,
    constants: load.constants ?? [],
    alsoLoad: initialPrograms(load.object),
    innerMaps: innerMapsOf(schema.maps),
    companions: false,
    frags: wantsFrags(section),
  });
  const open = (name: string): KernelMap => {
    const map = loaded.maps.find((one) => one.name === name);
    if (map === undefined) throw new RangeError(`no map ${name}`);
    return new KernelMap(map.fd);
  };
  for (const { map, key, value } of load.writes ?? []) open(map).update(key, value);
  return {
    fd: loaded.entryFd,
    programId: programId(loaded.entryFd),
    testRun: (options) => testRunFd(loaded.entryFd, options),
    map: open,
    mapNames: loaded.maps.map(({ name }) => name),
    close: () => loaded.close(),
    [Symbol.dispose]: () => loaded.close(),
  };
}
