import { structure } from '../sys/attributes';
import { bpfCall } from '../sys/libc';

const commandQuery = 16;
const programsMax = 64; // the kernel's own limit for a tcx hook

export interface HookPrograms {
  /** In the order in which they run. */
  programs: { programId: number; linkId: number }[];
  /** Goes up with every change of the hook. */
  revision: bigint;
}

/** The programs on a tcx hook of an interface of the current namespace. Requires Linux >= 6.6. */
export function queryHook(ifindex: number, attachType: number): HookPrograms {
  const ids = Buffer.alloc(programsMax * 4);
  const links = Buffer.alloc(programsMax * 4);
  const attributes = structure(64, [
    { at: 0, u32: ifindex },
    { at: 4, u32: attachType },
    { at: 16, pointer: ids },
    { at: 24, u32: programsMax },
    { at: 40, pointer: links },
  ]);
  bpfCall('BPF_PROG_QUERY', commandQuery, attributes, `ifindex ${ifindex}`);
  const count = Math.min(attributes.readUInt32LE(24), programsMax);
  return {
    programs: Array.from({ length: count }, (_, index) => ({
      programId: ids.readUInt32LE(index * 4),
      linkId: links.readUInt32LE(index * 4),
    })),
    revision: attributes.readBigUInt64LE(56),
  };
}
