import { closeSync, existsSync, readFileSync } from 'node:fs';
import { cannot, L3afError } from '@l3af/contracts';
import { atLeast } from '../features/kernel';
import { attachType } from '../bpf/program';
import { pointTo, structure } from '../sys/attributes';
import { bpfCall, mountFilesystem, perfEventOpen, setEventProgram } from '../sys/libc';
import { functionOffset } from './elf-symbol';

/** Where a tracing program goes, as its section says. */
export type TracingPlace =
  | { kind: 'tracepoint'; category: string; name: string }
  | { kind: 'raw-tracepoint'; name: string }
  /** `symbol`: a function of the file, from which `offset` counts; without one from the file's beginning. */
  | { kind: 'uprobe'; binary: string; symbol?: string; offset: number; atReturn: boolean };

/** Parses `tracepoint/cat/name`, `tp/…`, `raw_tp/name`, `uprobe/PATH:SYMBOL[+OFFSET]`, `uprobe/PATH:OFFSET`; undefined for anything else. */
export function parseTracing(section: string): TracingPlace | undefined {
  const tracepoint = /^(?:tracepoint|tp)\/([^/]+)\/([^/]+)$/.exec(section);
  if (tracepoint?.[1] && tracepoint[2]) {
    return { kind: 'tracepoint', category: tracepoint[1], name: tracepoint[2] };
  }
  const raw = /^(?:raw_tracepoint|raw_tp)\/([^/]+)$/.exec(section);
  if (raw?.[1]) return { kind: 'raw-tracepoint', name: raw[1] };
  return parseUprobe(section);
}

const offsetPattern = '0x[0-9a-fA-F]+|\\d+';
const uprobePattern = new RegExp(
  `^u(ret)?probe/(/.+):(?:(${offsetPattern})|([A-Za-z_.$][\\w.$@]*)(?:\\+(${offsetPattern}))?)$`,
);

function parseUprobe(section: string): TracingPlace | undefined {
  const [, atReturn, binary, offset, symbol, more] = uprobePattern.exec(section) ?? [];
  if (binary === undefined) return undefined;
  return {
    kind: 'uprobe',
    binary,
    ...(symbol !== undefined && { symbol }),
    offset: Number(offset ?? more ?? 0),
    atReturn: atReturn !== undefined,
  };
}

const [perfTypeTracepoint, allProcesses, firstCpu] = [2, -1, 0];
const command = { rawTracepointOpen: 17, linkCreate: 28 };

/** An attached tracing program. `held`: the descriptor cannot be pinned, the program runs as long as it is open (before Linux 5.15). */
export interface AttachedTracing {
  fd: number;
  held: boolean;
}

/** Whether perf events have links, which can be pinned. */
export const hasPerfLinks = (): boolean => atLeast('5.15');

/** Attaches a tracing program. The caller pins the descriptor, or holds it. */
export function attachTracing(place: TracingPlace, programFd: number): AttachedTracing {
  switch (place.kind) {
    case 'tracepoint':
      return attachToEvent(
        programFd,
        perfEventOpen(tracepointEvent(place.category, place.name), allProcesses, firstCpu),
      );
    case 'raw-tracepoint':
      return { fd: rawTracepoint(place.name, programFd), held: false };
    case 'uprobe':
      return uprobe(place, programFd);
  }
}

function attachToEvent(programFd: number, eventFd: number): AttachedTracing {
  if (hasPerfLinks()) return { fd: perfLink(programFd, eventFd), held: false };
  try {
    setEventProgram(eventFd, programFd);
    return { fd: eventFd, held: true };
  } catch (error) {
    closeSync(eventFd);
    throw error;
  }
}

function perfLink(programFd: number, eventFd: number): number {
  try {
    return bpfCall(
      'BPF_LINK_CREATE',
      command.linkCreate,
      structure(64, [
        { at: 0, u32: programFd },
        { at: 4, u32: eventFd },
        { at: 8, u32: attachType.perfEvent },
      ]),
    );
  } finally {
    closeSync(eventFd); // the link holds the event
  }
}

function perfAttributes(type: number, config: bigint): Buffer {
  const bytes = 112;
  return structure(bytes, [
    { at: 0, u32: type },
    { at: 4, u32: bytes },
    { at: 8, u64: config },
    { at: 16, u64: 1n },
    { at: 48, u32: 1 },
  ]);
}

function tracepointEvent(category: string, name: string): Buffer {
  const path = `${tracefs()}/events/${category}/${name}/id`;
  if (!existsSync(path)) {
    throw new L3afError(
      'kernel-unsupported',
      cannot('attach', 'tracepoint', `${category}/${name}`, 'this kernel has no such tracepoint'),
    );
  }
  return perfAttributes(perfTypeTracepoint, BigInt(readFileSync(path, 'utf8').trim()));
}

function tracefs(): string {
  const places = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];
  const mounted = (): string | undefined => places.find((place) => existsSync(`${place}/events`));
  const found = mounted();
  if (found !== undefined) return found;
  mountFilesystem('tracefs', '/sys/kernel/tracing');
  return mounted() ?? '/sys/kernel/tracing';
}

function rawTracepoint(name: string, programFd: number): number {
  const attributes = structure(16, [
    { at: 0, pointer: Buffer.from(`${name}\0`) },
    { at: 8, u32: programFd },
  ]);
  return bpfCall('BPF_RAW_TRACEPOINT_OPEN', command.rawTracepointOpen, attributes, name);
}

function uprobe(place: Extract<TracingPlace, { kind: 'uprobe' }>, programFd: number): AttachedTracing {
  const type = Number(readFileSync('/sys/bus/event_source/devices/uprobe/type', 'utf8').trim());
  const start = place.symbol === undefined ? 0 : functionOffset(place.binary, place.symbol);
  const attributes = perfAttributes(type, place.atReturn ? 1n : 0n);
  pointTo(attributes, 56, Buffer.from(`${place.binary}\0`));
  attributes.writeBigUInt64LE(BigInt(start + place.offset), 64);
  return attachToEvent(programFd, perfEventOpen(attributes, allProcesses, firstCpu));
}
