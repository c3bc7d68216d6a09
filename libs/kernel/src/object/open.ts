import { cannot, L3afError, type Hook } from '@l3af/contracts';
import { structure } from '../sys/attributes';
import { KernelCallError } from '../sys/errors';
import { writeMemory } from '../sys/libc';
import { programType } from '../bpf/program';
import type { ConstantPatch } from '../types';
import { globalsOf, type GlobalVariable } from './globals';
import { requireMapMemory, type MapSize } from './map-memory';
import { registerHandlers } from './handlers';
import {
  checkCode,
  checkPointer,
  libbpf,
  mapNameOf,
  mapsOf,
  programsOf,
  type BpfMap,
  type BpfObject,
  type BpfProgram,
} from './libbpf';
import type { PreparedLoad } from './load-options';

/** Types that run beside the packet path; an object may bring them along. */
const companionTypes: readonly number[] = [
  programType.kprobe,
  programType.tracepoint,
  programType.rawTracepoint,
];

/** A map of an open object, as its definition says. */
export interface ObjectMap {
  name: string;
  type: number;
  keyBytes: number;
  valueBytes: number;
  entriesMax: number;
  flags: number;
  pinnedByName: boolean;
  /** Variables of a global data section. */
  globals?: GlobalVariable[] | undefined;
}

export interface ObjectSpec {
  name: string;
  object: Uint8Array;
  /** The entry function. */
  program: string;
  hook: Hook;
  constants: readonly ConstantPatch[];
  /** Programs of the same object that must be loaded too: those in its own program arrays. */
  alsoLoad?: ReadonlySet<string> | undefined;
  /** Prototypes of maps in maps, which libbpf creates, too. */
  innerMaps?: readonly MapSize[] | undefined;
  /** Load tracepoints, kprobes and uprobes of the object, too. */
  companions: boolean;
  frags: boolean;
  /** The expected attach type of XDP programs; default: BPF_XDP. */
  xdpAttachType?: number | undefined;
  /** Load the entry as an extension of another program; {@link glue} says of which. */
  extension?: boolean | undefined;
  /** Called with each map before the load; a descriptor makes the object use that map. */
  mapFor?: ((map: ObjectMap) => number | undefined) | undefined;
  /** Rewrites the entry program just before its load. */
  glue?: ((program: BpfProgram, load: PreparedLoad) => void) | undefined;
}

export interface Companion {
  name: string;
  section: string;
  type: number;
  fd: number;
}

export interface LoadedMap {
  name: string;
  fd: number;
  /** True when the object asks for the map to be pinned by name and shared. */
  pinnedByName: boolean;
}

/** A loaded object; closing it closes its descriptors. */
export interface LoadedObject {
  entryFd: number;
  maps: LoadedMap[];
  extras: { name: string; fd: number }[];
  companions: Companion[];
  close(): void;
}

export const sectionOf = (program: BpfProgram): string => libbpf.programSection(program);
export const wantsFrags = (section: string): boolean => section.startsWith('xdp.frags');

/** An open object, not loaded yet. */
export interface Opened {
  object: BpfObject;
  entry: BpfProgram;
  extras: BpfProgram[];
  companions: BpfProgram[];
  /** Map names whose pinning libbpf would have done. */
  pinned: Set<string>;
  keep: Buffer[];
}

/** libbpf keeps pointers to the options' strings only while it opens. */
function openOptions(name: string): Buffer {
  const objectName = Buffer.from(`${name.replace(/[^A-Za-z0-9_]/g, '_')}\0`);
  return structure(80, [
    { at: 0, u64: 80n },
    { at: 8, pointer: objectName },
    { at: 16, u32: 1 }, // maps may carry attributes that libbpf does not know
  ]);
}

/** Opens an object and readies it for its load: programs chosen, constants patched, maps given. */
export function openObject(spec: ObjectSpec): Opened {
  registerHandlers();
  const options = openOptions(spec.name);
  const bytes = Buffer.from(spec.object);
  let object: BpfObject;
  try {
    object = checkPointer('bpf_object__open_mem', libbpf.openMemory(bytes, bytes.length, options), spec.name);
  } catch (error) {
    const said = error instanceof KernelCallError ? (error.said ?? error.errnoCode) : String(error);
    throw new L3afError('invalid-object', cannot('open', 'object', spec.name, said), { cause: error });
  }
  try {
    const { entry, extras, companions } = choosePrograms(object, spec);
    makeEntryStatic(object, spec.program);
    const pinned = prepareMaps(object, spec);
    return { object, entry, extras, companions, pinned, keep: [options, bytes] };
  } catch (error) {
    libbpf.close(object);
    throw error;
  }
}

function choosePrograms(
  object: BpfObject,
  spec: ObjectSpec,
): Pick<Opened, 'entry' | 'extras' | 'companions'> {
  const programs = programsOf(object);
  const entry = programs.find((program) => libbpf.programName(program) === spec.program);
  if (entry === undefined) {
    const names = programs.map((program) => libbpf.programName(program)).join(', ');
    throw new L3afError(
      'unknown-program',
      cannot('load', 'KF', spec.name, `no program ${spec.program} in it, it has ${names || 'none'}`),
    );
  }
  requireType(entry, spec);
  if (spec.extension) libbpf.setType(entry, programType.extension);
  const extras: BpfProgram[] = [];
  const companions: BpfProgram[] = [];
  for (const program of programs) {
    const type = libbpf.programType(program);
    const extra = spec.alsoLoad?.has(libbpf.programName(program)) ?? false;
    const companion = spec.companions && companionTypes.includes(type);
    if (program === entry) continue;
    if (extra) {
      if (type === 0) libbpf.setType(program, wantedType(spec.hook));
      extras.push(program);
    } else if (companion) companions.push(program);
    else libbpf.setAutoload(program, false);
  }
  return { entry, extras, companions };
}

const wantedType = (hook: Hook): number => (hook === 'xdp' ? programType.xdp : programType.schedCls);

/** A section that nobody knows takes the hook's type: L3AF's own objects name their sections freely. */
function requireType(entry: BpfProgram, spec: ObjectSpec): void {
  const type = libbpf.programType(entry);
  const wanted = wantedType(spec.hook);
  if (type === 0) libbpf.setType(entry, wanted);
  else if (type !== wanted) {
    throw new L3afError(
      'wrong-program-type',
      cannot(
        'load',
        'KF',
        spec.name,
        `program ${spec.program} is in section ${sectionOf(entry)}, needs one for ${spec.hook}`,
      ),
      { details: { kf: spec.name, section: sectionOf(entry), hook: spec.hook } },
    );
  }
}

/**
 * As a global function the entry's context argument would need exactly the kernel's type, and the verifier would
 * check it apart from its caller; as a static one `void *` and private types are fine.
 */
function makeEntryStatic(object: BpfObject, name: string): void {
  const [kindFunction, linkageStatic] = [12, 0];
  const btf = libbpf.btf(object);
  if (btf === null) return;
  const id = libbpf.findType(btf, name, kindFunction);
  if (id <= 0) return;
  const type = libbpf.typeById(btf, id);
  if (type === null) return;
  const info = Buffer.alloc(4);
  info.writeUInt32LE(((kindFunction << 24) | linkageStatic) >>> 0);
  writeMemory(type + 4n, info);
}

/** Patches constants, takes pinning by name out of libbpf's hands, and gives maps to reuse. */
function prepareMaps(object: BpfObject, spec: ObjectSpec): Set<string> {
  const pinned = new Set<string>();
  const patched = new Set<ConstantPatch>();
  const created: MapSize[] = [];
  for (const map of mapsOf(object)) {
    const name = mapNameOf(map);
    if (libbpf.mapPinPath(map) !== null) {
      pinned.add(name);
      checkCode('bpf_map__set_pin_path', libbpf.setMapPinPath(map, null), name);
    }
    for (const constant of spec.constants) {
      if (constant.section !== name) continue;
      patchConstant(map, constant);
      patched.add(constant);
    }
    const definition = definitionOf(object, map, pinned.has(name));
    const fd = spec.mapFor?.(definition);
    if (fd !== undefined) checkCode('bpf_map__reuse_fd', libbpf.reuseMap(map, fd), name);
    else created.push(definition);
  }
  requireMapMemory(spec.name, [...created, ...(spec.innerMaps ?? [])]);
  const lost = spec.constants.find((constant) => !patched.has(constant));
  if (lost) {
    throw new L3afError(
      'invalid-config',
      cannot('set constants of', 'KF', spec.name, `the object has no section ${lost.section}`),
    );
  }
  return pinned;
}

function definitionOf(object: BpfObject, map: BpfMap, pinnedByName: boolean): ObjectMap {
  const name = mapNameOf(map);
  return {
    name,
    type: libbpf.mapType(map),
    keyBytes: libbpf.mapKeySize(map),
    valueBytes: libbpf.mapValueSize(map),
    entriesMax: libbpf.mapMaxEntries(map),
    flags: libbpf.mapFlags(map),
    pinnedByName,
    ...(name.startsWith('.') && { globals: globalsOf(object, name) }),
  };
}

function patchConstant(map: BpfMap, { section, offset, bytes }: ConstantPatch): void {
  const size = Buffer.alloc(8);
  const address = libbpf.mapInitialValue(map, size);
  const sizeBytes = Number(size.readBigUInt64LE(0));
  if (address === null || offset < 0 || offset + bytes.length > sizeBytes) {
    throw new L3afError(
      'invalid-config',
      cannot('set', 'constant', `${section}+${offset}`, `the section has ${sizeBytes} bytes`),
    );
  }
  writeMemory(address + BigInt(offset), bytes);
}
