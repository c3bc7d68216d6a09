import { L3afError, type ObjectSchema } from '@l3af/contracts';
import { expectedAttachType } from '../attach/kind';
import { KernelMap } from '../bpf/map';
import { pinObject } from '../bpf/pin';
import { programId } from '../bpf/program';
import { initialPrograms } from '../object/initial-programs';
import { innerMapsOf } from '../object/map-memory';
import { loadObject } from '../object/load';
import type { LoadedObject, ObjectMap } from '../object/open';
import { asL3afError } from '../sys/errors';
import type { KfLoad } from '../types';
import { hashWrites } from './checks';
import { glueProgram, type GlueResult } from '../glue/compile';
import { carryContent } from './content';
import type { KfShape } from '../glue/instructions';
import { measuringLaneFrom } from '../generation/generation';
import type { GluePlan } from '../glue/glue';
import type { GenerationContext } from './load';
import { isMeasured, recordPlan } from './watched';
import { sharedMapPath } from '../generation/paths';
import type { KfRecord } from '../generation/record';
import { StateReuse } from './reuse';
import { companionsOf } from './companions';

export interface LoadedKfParts {
  record: KfRecord;
  shape: KfShape;
  /** The KF's own program array has programs in it, so that its tail calls are taken. */
  ownCallsSucceed: boolean;
  reusedMaps: string[];
  carriedMaps: string[];
  warnings: string[];
}

interface One {
  index: number;
  kf: KfLoad;
  schema: ObjectSchema;
}

/** Loads one KF behind its glue and pins all of it; for a timed or watched generation twice. */
export async function loadKf(context: GenerationContext, one: One): Promise<LoadedKfParts> {
  const reuse = new StateReuse(context.target, one.kf, { maps: one.schema.maps, previous: context.previous });
  try {
    const { object, glued } = await loadGlued(context, one, plainLane(reuse));
    try {
      fillMaps(one.kf, object, reuse);
      if (isMeasured(context.load)) await pinMeasuring(context, one, object);
      return pinKf(context, one, { object, glued, reuse });
    } finally {
      object.close();
    }
  } catch (error) {
    throw asL3afError({ verb: 'load', noun: 'KF', value: one.kf.name }, error);
  } finally {
    reuse.close();
  }
}

/** What differs between the programs that every packet runs and those that measure. */
interface Lane extends Pick<GluePlan, 'timed' | 'watch' | 'laneFrom'> {
  /** The glue to try first. */
  want: GlueResult['kind'];
  /** Called before each try. */
  restart(): void;
  mapFor(map: ObjectMap): number | undefined;
  companions: boolean;
}

const plainLane = (reuse: StateReuse): Lane => ({
  want: 'epilogue',
  timed: false,
  laneFrom: 0,
  restart: () => reuse.restart(),
  mapFor: (map) => reuse.decide(map),
  companions: true,
});

/** Loads the KF once more, with what measures around it, on the very maps of the first. */
async function pinMeasuring(context: GenerationContext, one: One, first: LoadedObject): Promise<void> {
  const { object } = await loadGlued(context, one, {
    ...measuring(context, one.index),
    laneFrom: measuringLaneFrom(context.load.kfs.length),
    restart: () => undefined,
    mapFor: ({ name }) => first.maps.find((map) => map.name === name)?.fd,
    companions: false,
  });
  try {
    pinObject(object.entryFd, context.paths.kfMeasuring(one.index, one.kf.name));
  } finally {
    object.close();
  }
}

function measuring(context: GenerationContext, index: number): Pick<Lane, 'timed' | 'watch' | 'want'> {
  const watch = context.watch && recordPlan(context, context.watch, index);
  return watch ? { timed: false, watch, want: 'calling' } : { timed: true, want: 'epilogue' };
}

type Glued = { object: LoadedObject; glued: GlueResult };

/** Tries the cheaper glue first; the verifier refuses it where it would be unsafe. */
async function loadGlued(context: GenerationContext, one: One, lane: Lane): Promise<Glued> {
  try {
    return await loadWith(context, one, { lane, want: lane.want });
  } catch (error) {
    if (!(error instanceof TriedInPlace)) throw error;
    return await loadWith(context, one, { lane, want: 'calling' });
  }
}

/** The in-place glue was refused, which says nothing yet of the KF. */
class TriedInPlace extends Error {}

async function loadWith(
  context: GenerationContext,
  { index, kf, schema }: One,
  { lane, want }: { lane: Lane; want: GlueResult['kind'] },
): Promise<Glued> {
  const { target, load, frags, attach, maps, extension } = context;
  lane.restart();
  let glued: GlueResult | undefined;
  const plan: GluePlan = {
    hook: target.hook,
    index,
    last: index === load.kfs.length - 1,
    proceedOn: kf.proceedOn,
    programs: maps.programs.fd,
    counters: maps.counters.fd,
    control: maps.control.fd,
    tcx: attach === 'tcx',
    timed: lane.timed,
    watch: lane.watch,
    laneFrom: lane.laneFrom,
  };
  try {
    const object = await loadObject({
      name: kf.name,
      object: kf.object,
      program: kf.program,
      hook: target.hook,
      constants: kf.constants,
      alsoLoad: initialPrograms(kf.object),
      innerMaps: innerMapsOf(schema.maps),
      companions: lane.companions,
      frags,
      xdpAttachType: expectedAttachType(attach),
      extension: extension !== undefined,
      mapFor: (map) => lane.mapFor(map),
      glue: (program, prepared) => {
        glued = glueProgram({ program, load: prepared, plan, extension }, want);
      },
    });
    if (glued === undefined) throw new L3afError('internal', `KF ${kf.name} was loaded without glue`);
    return { object, glued };
  } catch (error) {
    const verifierRefused = error instanceof L3afError && glued?.kind === 'epilogue';
    if (verifierRefused) throw new TriedInPlace(kf.name, { cause: error });
    throw error;
  }
}

function fillMaps(kf: KfLoad, object: LoadedObject, reuse: StateReuse): void {
  const open = new Map<string, KernelMap>();
  const mapOf = (name: string): KernelMap => {
    const known = open.get(name);
    if (known) return known;
    const map = object.maps.find((one) => one.name === name);
    if (map === undefined) {
      throw new L3afError('invalid-config', `Cannot configure KF "${kf.name}": it has no map ${name}`);
    }
    const opened = new KernelMap(map.fd); // the descriptor stays the object's
    open.set(name, opened);
    return opened;
  };
  carryContent(kf, reuse.carries, mapOf);
  for (const { map, key, value } of kf.writes) {
    if (!reuse.shared.includes(map)) mapOf(map).update(key, value);
  }
}

function pinKf(
  { target, paths }: GenerationContext,
  { index, kf }: One,
  { object, glued, reuse }: { object: LoadedObject; glued: GlueResult; reuse: StateReuse },
): LoadedKfParts {
  const at = { index, name: kf.name };
  for (const map of object.maps) {
    pinObject(map.fd, paths.kfMap(at, map.name));
    if (map.pinnedByName && !reuse.sharedFound.has(map.name))
      pinObject(map.fd, sharedMapPath(target, map.name));
  }
  for (const extra of object.extras) pinObject(extra.fd, paths.kfExtra(at, extra.name));
  for (const companion of object.companions) pinObject(companion.fd, paths.kfExtra(at, companion.name));
  pinObject(object.entryFd, paths.kfProgram(index, kf.name));
  const companions = companionsOf(kf.name, object.companions);
  return {
    record: {
      name: kf.name,
      digest: kf.digest,
      program: kf.program,
      programId: programId(object.entryFd),
      proceedOn: kf.proceedOn,
      glue: glued.kind,
      maps: reuse.signatures,
      writes: hashWrites(kf.writes),
      companions: companions.known,
    },
    shape: glued.shape,
    ownCallsSucceed: object.extras.length > 0,
    reusedMaps: reuse.shared,
    carriedMaps: reuse.carries.map(({ map }) => map),
    warnings: [...reuse.warnings, ...companions.warnings],
  };
}
