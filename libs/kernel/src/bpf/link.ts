import { structure } from '../sys/attributes';
import { bpfCall } from '../sys/libc';
import { operationDone } from '../sys/operations';
import { objectInfo } from './info';

const command = { linkCreate: 28, linkUpdate: 29, linkDetach: 34 };
const linkType = { xdp: 6, tcx: 11 } as const;

/** Flags of BPF_LINK_CREATE and BPF_LINK_UPDATE. */
export const linkFlags = {
  replace: 4,
  before: 8,
  after: 16,
  /** The neighbour is named by its program's id. */
  byId: 32,
  xdpGeneric: 2,
  xdpNative: 4,
} as const;

export interface LinkCreate {
  programFd: number;
  ifindex: number;
  attachType: number;
  flags: number;
  /** tcx only: the neighbour's program, with {@link linkFlags.byId}. */
  relativeId?: number | undefined;
  /** tcx only: refuse with ESTALE when someone else changed the hook meanwhile. */
  expectedRevision?: bigint | undefined;
}

/** Attaches a program to an interface of the current namespace by a link. Requires Linux >= 5.9 (XDP), 6.6 (tcx). */
export function createLink(link: LinkCreate): number {
  const fd = bpfCall(
    'BPF_LINK_CREATE',
    command.linkCreate,
    structure(64, [
      { at: 0, u32: link.programFd },
      { at: 4, u32: link.ifindex },
      { at: 8, u32: link.attachType },
      { at: 12, u32: link.flags },
      { at: 16, u32: link.relativeId ?? 0 },
      { at: 24, u64: link.expectedRevision ?? 0n },
    ]),
    `ifindex ${link.ifindex}`,
  );
  operationDone(`link create ifindex ${link.ifindex}`);
  return fd;
}

/** Puts another program into a link: atomic, no packet sees a gap. */
export function updateLink(linkFd: number, programFd: number): void {
  bpfCall(
    'BPF_LINK_UPDATE',
    command.linkUpdate,
    structure(16, [
      { at: 0, u32: linkFd },
      { at: 4, u32: programFd },
    ]),
  );
  operationDone('link update');
}

export interface LinkInfo {
  type: number;
  id: number;
  programId: number;
  /** 0 when the interface is gone; undefined for links that have none. */
  ifindex: number | undefined;
}

export function linkInfo(fd: number): LinkInfo {
  const info = objectInfo(fd, Buffer.alloc(64));
  const type = info.readUInt32LE(0);
  const onInterface = type === linkType.xdp || type === linkType.tcx;
  return {
    type,
    id: info.readUInt32LE(4),
    programId: info.readUInt32LE(8),
    ifindex: onInterface ? info.readUInt32LE(16) : undefined,
  };
}

/** Takes a link off its interface at once; it stays an empty link. Without an interface there is nothing to do. */
export function forceDetach(linkFd: number): void {
  bpfCall('BPF_LINK_DETACH', command.linkDetach, structure(4, [{ at: 0, u32: linkFd }]));
  operationDone('link detach');
}
