import { cannot, L3afError } from '@l3af/contracts';
import { attachType, programFlags, programType } from '../bpf/program';
import { Serial } from '../sys/serial';
import { withPrepare } from './handlers';
import {
  collectMessages,
  libbpf,
  loadAsync,
  mapNameOf,
  mapsOf,
  takeMessages,
  type BpfProgram,
} from './libbpf';
import type { PreparedLoad } from './load-options';
import { openObject, sectionOf, wantsFrags, type LoadedObject, type ObjectSpec, type Opened } from './open';
import { refusalError } from './refusal';

const logBytes = 16 * 1024 * 1024 - 1; // the most that every kernel takes; pages are only touched on a refusal
let logBuffer: Buffer | undefined;

function takeLog(): string {
  const end = logBuffer?.indexOf(0) ?? 0;
  const text = logBuffer?.toString('utf8', 0, Math.max(end, 0)) ?? '';
  if (text.length > 64 * 1024) logBuffer = undefined;
  else logBuffer?.writeUInt8(0, 0);
  return text;
}

function prepareOf(opened: Opened, spec: ObjectSpec, called: Set<BpfProgram>) {
  return (program: BpfProgram, load: PreparedLoad): void => {
    called.add(program);
    const section = sectionOf(program);
    // A handler of our own loses what libbpf's would have set.
    if (spec.hook === 'xdp' && libbpf.programType(program) === programType.xdp) {
      load.attachType = spec.xdpAttachType ?? attachType.xdp;
      if (spec.frags || (program !== opened.entry && wantsFrags(section)))
        load.addFlags(programFlags.xdpHasFrags);
    } else load.attachType = 0;
    if (program === opened.entry && spec.extension && spec.frags) load.addFlags(programFlags.xdpHasFrags);
    if (program === opened.entry) spec.glue?.(program, load);
  };
}

/** Opens and loads an object. Asserts that the entry went through our handler: without it there would be no glue. */
export function loadObject(spec: ObjectSpec): Promise<LoadedObject> {
  return oneAtATime.run(() => loadNow(spec));
}

/** libbpf's handlers and the log buffer are one per process. */
const oneAtATime = new Serial();

async function loadNow(spec: ObjectSpec): Promise<LoadedObject> {
  const opened = openWithMessages(spec);
  logBuffer ??= Buffer.alloc(logBytes);
  logBuffer.writeUInt8(0, 0);
  for (const program of [opened.entry, ...opened.extras, ...opened.companions]) {
    libbpf.setLogBuffer(program, logBuffer, logBuffer.length);
  }
  const called = new Set<BpfProgram>();
  try {
    const { result, error } = await withPrepare(prepareOf(opened, spec, called), () =>
      loadAsync(opened.object),
    );
    if (error !== undefined) throw error instanceof Error ? error : new Error(String(error));
    if (result < 0) throw await refused(spec, -result);
    if (!called.has(opened.entry)) {
      throw new L3afError(
        'internal',
        cannot('load', 'KF', spec.name, `section ${sectionOf(opened.entry)} bypassed the glue`),
      );
    }
    return describe(opened);
  } catch (error) {
    libbpf.close(opened.object);
    throw error;
  }
}

function openWithMessages(spec: ObjectSpec): Opened {
  takeMessages();
  collectMessages(true);
  try {
    return openObject(spec);
  } finally {
    collectMessages(false);
  }
}

/** When the verifier did not speak, the load is repeated with libbpf's messages on. */
async function refused(spec: ObjectSpec, errno: number): Promise<L3afError> {
  const log = takeLog();
  const facts = { kf: spec.name, hook: spec.hook, errno, log };
  if (log.trim() !== '') return refusalError(facts);
  const again = openWithMessages(spec);
  collectMessages(true);
  try {
    await withPrepare(prepareOf(again, spec, new Set()), () => Promise.resolve(libbpf.load(again.object)));
    return refusalError({ ...facts, messages: takeMessages() });
  } finally {
    collectMessages(false);
    libbpf.close(again.object);
  }
}

function describe(opened: Opened): LoadedObject {
  let open = true;
  return {
    entryFd: libbpf.programFd(opened.entry),
    maps: mapsOf(opened.object)
      .map((map) => ({ name: mapNameOf(map), fd: libbpf.mapFd(map) }))
      .filter(({ fd }) => fd >= 0)
      .map((map) => ({ ...map, pinnedByName: opened.pinned.has(map.name) })),
    extras: opened.extras.map((program) => ({
      name: libbpf.programName(program),
      fd: libbpf.programFd(program),
    })),
    companions: opened.companions.map((program) => ({
      name: libbpf.programName(program),
      section: sectionOf(program),
      type: libbpf.programType(program),
      fd: libbpf.programFd(program),
    })),
    close() {
      if (!open) return;
      open = false;
      libbpf.close(opened.object);
      void opened.keep;
    },
  };
}
