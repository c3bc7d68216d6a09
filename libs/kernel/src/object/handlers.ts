import koffi from 'koffi';
import { structure } from '../sys/attributes';
import { attachType, programType } from '../bpf/program';
import { checkCode, libbpf, type BpfProgram, type LoadOptions } from './libbpf';
import { PreparedLoad } from './load-options';

/** Called by libbpf for every program it is about to load, after relocation. */
export type Prepare = (program: BpfProgram, load: PreparedLoad) => void;

let current: { prepare: Prepare; error?: unknown; loads: PreparedLoad[] } | undefined;
let registered = false;

const prepareProto = koffi.proto('int', ['void *', 'void *', 'long']);

/** What libbpf's own handler would do: another library of this process loads an object (libxdp, its dispatcher). */
function asUsual(program: BpfProgram, options: LoadOptions): number {
  const known = /^xdp(\.frags)?(\/|$)/.test(libbpf.programSection(program));
  if (!known || libbpf.programType(program) !== programType.xdp) return 0;
  const load = new PreparedLoad(options);
  load.attachType = attachType.xdp;
  load.commit();
  return 0;
}

/** An exception must not cross C: it is kept and the load fails. */
function prepareForLoad(program: BpfProgram, options: LoadOptions): number {
  if (current === undefined) return asUsual(program, options);
  try {
    const load = new PreparedLoad(options);
    current.loads.push(load);
    current.prepare(program, load);
    load.commit();
    return 0;
  } catch (error) {
    current.error = error;
    const notSupported = -95;
    return notSupported;
  }
}

/**
 * Section names that libbpf knows and we take over, and null for all that nobody knows. Registered once for the life
 * of the process: open objects point into libbpf's table of handlers, which moves when it changes.
 */
const sections: readonly [string | null, number, number][] = [
  ['xdp+', programType.xdp, attachType.xdp],
  ['xdp.frags+', programType.xdp, attachType.xdp],
  ['tc+', programType.schedCls, 0],
  ['tcx/ingress', programType.schedCls, 0],
  ['tcx/egress', programType.schedCls, 0],
  ['tcx+', programType.schedCls, 0],
  ['classifier+', programType.schedCls, 0],
  ['action+', programType.schedCls, 0],
  [null, 0, 0], // no type: the hook decides it
];

/** Must run before an object is opened, or its programs keep libbpf's own handlers. */
export function registerHandlers(): void {
  if (registered) return;
  registered = true;
  const callback = koffi.register(prepareForLoad, koffi.pointer(prepareProto));
  const options = structure(40, [
    { at: 0, u64: 40n },
    { at: 24, u64: callback },
  ]);
  sections.forEach(([section, type, attach], index) => {
    const subject = section ?? '*';
    const id = libbpf.registerHandler(section, type, attach, options);
    checkCode('libbpf_register_prog_handler', id, subject);
    if (index === 0) removeHandlersBefore(id);
  });
}

/**
 * libbpf calls the first handler that matches, and its table is one per process: what an earlier instance of this
 * module left (test runners load one per file) would be called in place of ours. Ids count up from 1.
 */
function removeHandlersBefore(first: number): void {
  for (let id = 1; id < first; id++) libbpf.unregisterHandler(id);
}

/** Runs a load with `prepare` called for each program. Loads are serial: see `serial.ts`. */
export async function withPrepare<T>(
  prepare: Prepare,
  body: () => Promise<T>,
): Promise<{ result: T; error?: unknown }> {
  const mine: NonNullable<typeof current> = { prepare, loads: [] };
  current = mine;
  try {
    const result = await body();
    return mine.error === undefined ? { result } : { result, error: mine.error };
  } finally {
    current = undefined;
  }
}

/** Runs code of another library that loads objects of its own; a load of ours may be under way on another thread. */
export function withoutPrepare<T>(body: () => T): T {
  const mine = current;
  current = undefined;
  try {
    return body();
  } finally {
    current = mine;
  }
}
