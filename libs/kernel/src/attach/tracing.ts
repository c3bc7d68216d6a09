import { release } from 'node:os';
import { closeSync, existsSync, readFileSync } from 'node:fs';
import { cannot, L3afError } from '@l3af/contracts';
import { atLeast } from '../features/kernel';
import { attachType } from '../bpf/program';
import { addressOf, structure } from '../sys/attributes';
import { bpfCall, mountFilesystem, perfEventOpen } from '../sys/libc';

/** Where a tracing program goes, as its section says. */
export type TracingPlace =
  | { kind: 'tracepoint'; category: string; name: string }
  | { kind: 'raw-tracepoint'; name: string }
  | { kind: 'uprobe'; binary: string; offset: number; atReturn: boolean };

/** Parses `tracepoint/cat/name`, `tp/…`, `raw_tp/name`, `uprobe/PATH:0xOFFSET`; undefined for anything else. */
export function parseTracing(section: string): TracingPlace | undefined {
  const tracepoint = /^(?:tracepoint|tp)\/([^/]+)\/([^/]+)$/.exec(section);
  if (tracepoint?.[1] && tracepoint[2]) {
    return { kind: 'tracepoint', category: tracepoint[1], name: tracepoint[2] };
  }
  const raw = /^(?:raw_tracepoint|raw_tp)\/([^/]+)$/.exec(section);
  if (raw?.[1]) return { kind: 'raw-tracepoint', name: raw[1] };
  const uprobe = /^u(ret)?probe\/(\/.+):(0x[0-9a-fA-F]+|\d+)$/.exec(section);
  if (uprobe?.[2] && uprobe[3]) {
    return {
      kind: 'uprobe',
      binary: uprobe[2],
      offset: Number(uprobe[3]),
      atReturn: uprobe[1] !== undefined,
    };
  }
  return undefined;
}

const [perfTypeTracepoint, allProcesses, firstCpu] = [2, -1, 0];
const command = { rawTracepointOpen: 17, linkCreate: 28 };

/** Attaches a tracing program; the descriptor is a link that can be pinned. Requires Linux >= 5.15 (perf links). */
export function attachTracing(place: TracingPlace, programFd: number): number {
  switch (place.kind) {
    case 'tracepoint':
      return perfLink(
        programFd,
        perfEventOpen(tracepointEvent(place.category, place.name), allProcesses, firstCpu),
      );
    case 'raw-tracepoint':
      return rawTracepoint(place.name, programFd);
    case 'uprobe':
      return uprobe(place, programFd);
  }
}

function perfLink(programFd: number, eventFd: number): number {
  try {
    if (!atLeast('5.15')) {
      throw new L3afError(
        'kernel-unsupported',
        `Cannot attach tracing program: this is Linux ${release()}, needs links of perf events (Linux 5.15)`,
      );
    }
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
  const text = Buffer.from(`${name}\0`);
  const attributes = structure(16, [
    { at: 0, u64: addressOf(text) },
    { at: 8, u32: programFd },
  ]);
  const fd = bpfCall('BPF_RAW_TRACEPOINT_OPEN', command.rawTracepointOpen, attributes, name);
  void text;
  return fd;
}

function uprobe(place: Extract<TracingPlace, { kind: 'uprobe' }>, programFd: number): number {
  const type = Number(readFileSync('/sys/bus/event_source/devices/uprobe/type', 'utf8').trim());
  const path = Buffer.from(`${place.binary}\0`);
  const attributes = perfAttributes(type, place.atReturn ? 1n : 0n);
  attributes.writeBigUInt64LE(addressOf(path), 56);
  attributes.writeBigUInt64LE(BigInt(place.offset), 64);
  const event = perfEventOpen(attributes, allProcesses, firstCpu);
  void path;
  return perfLink(programFd, event);
}
