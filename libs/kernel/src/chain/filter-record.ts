import type { BpfFilter } from '../attach/cls-bpf';
import { createMap, KernelMap } from '../bpf/map';
import { openPin, pinObject } from '../bpf/pin';
import { structure } from '../sys/attributes';
import type { HookTarget } from '../types';
import { filterPath, type HookKey } from '../generation/paths';

const only = Buffer.alloc(4);
const bytes = 24;

/** Keeps what names our filter, since a filter cannot be pinned: tells a removed filter from one that never was. */
export function recordFilter(target: HookTarget, filter: BpfFilter): void {
  const value = structure(bytes, [
    { at: 0, u32: filter.ifindex },
    { at: 4, u32: filter.parent },
    { at: 8, u32: filter.priority },
    { at: 12, u32: filter.protocol },
    { at: 16, u32: filter.handle },
    { at: 20, u32: filter.chain },
  ]);
  const known = openPin(filterPath(target));
  using map = new KernelMap(
    known ?? createMap({ type: 'array', name: 'l3af_filter', keyBytes: 4, valueBytes: bytes, entriesMax: 1 }),
  );
  map.update(only, value);
  if (known === undefined) pinObject(map.fd, filterPath(target));
}

/** The interface that our filter was put on; undefined when none was recorded. */
export function recordedFilterInterface(target: HookKey): number | undefined {
  const fd = openPin(filterPath(target));
  if (fd === undefined) return undefined;
  using map = new KernelMap(fd);
  return map.lookup(only)?.readUInt32LE(0);
}
