import { KernelMap } from '../../bpf/map';
import { openById } from '../../bpf/info';
import { programInfo, type ProgramInfo } from '../../bpf/program';
import { listFolder, withPin } from '../../bpf/pin';
import { bpffsRoot } from '../../generation/paths';
import { failedWith } from '../../sys/errors';
import type { ForeignOwner } from '../../types';

type Dispatcher = NonNullable<ForeignOwner['dispatcher']>;
const [magic, slots] = [236, 10];
const layouts = { v1: 84, v2: 124, v3: 128 } as const;
const verdictsMax = 32;

/** The configuration that libxdp freezes into its dispatcher. Pure. */
export function parseDispatcherConfig(
  bytes: Buffer,
): { version: number; programs: { priority: number; proceedOn: number[] }[] } | undefined {
  const isFirst = bytes.length === layouts.v1;
  if (!isFirst && (bytes.length < layouts.v2 || bytes.readUInt8(0) !== magic)) return undefined;
  const version = isFirst ? 1 : bytes.readUInt8(1);
  const count = Math.min(bytes.readUInt8(isFirst ? 0 : 2), slots);
  const actionsAt = 4;
  const prioritiesAt = actionsAt + slots * 4;
  return {
    version,
    programs: Array.from({ length: count }, (_, index) => ({
      priority: bytes.readUInt32LE(prioritiesAt + index * 4),
      proceedOn: bitsOf(bytes.readUInt32LE(actionsAt + index * 4)),
    })),
  };
}

/** The highest bit is the dispatcher's own stub verdict, in every mask. */
const bitsOf = (mask: number): number[] =>
  Array.from({ length: verdictsMax - 1 }, (_, bit) => bit).filter((bit) => ((mask >>> bit) & 1) === 1);

/** Reads a program as a libxdp dispatcher; undefined when it is none. Requires CAP_SYS_ADMIN. */
export function readDispatcher(info: ProgramInfo): Dispatcher | undefined {
  if (info.name !== 'xdp_dispatcher') return undefined;
  for (const id of info.mapIds) {
    const config = readConfig(id);
    if (config === undefined) continue;
    const pinned = pinnedPrograms(info.id);
    return {
      version: config.version,
      programs: config.programs.map((program, index) => ({ name: '', ...pinned.get(index), ...program })),
    };
  }
  return undefined;
}

function readConfig(mapId: number): ReturnType<typeof parseDispatcherConfig> {
  let fd: number | undefined;
  try {
    fd = openById('map', mapId);
  } catch (error) {
    if (failedWith(error, 'EPERM')) return undefined;
    throw error;
  }
  if (fd === undefined) return undefined;
  using map = new KernelMap(fd);
  const value = map.lookup(Buffer.alloc(map.info.keyBytes));
  return value && parseDispatcherConfig(value);
}

/** A folder in which libxdp pins the programs of one dispatcher. */
export interface DispatcherFolder {
  path: string;
  ifindex: number;
  dispatcherId: number;
}

/** libxdp names each folder `dispatch-IFINDEX-PROGID`. */
export function dispatcherFolders(): DispatcherFolder[] {
  const root = `${bpffsRoot}/xdp`;
  return listFolder(root).flatMap(({ name }) => {
    const [, ifindex, id] = /^dispatch-(\d+)-(\d+)$/.exec(name) ?? [];
    return id === undefined
      ? []
      : [{ path: `${root}/${name}`, ifindex: Number(ifindex), dispatcherId: Number(id) }];
  });
}

interface PinnedProgram {
  name: string;
  programId: number;
}

/** The programs pinned in a folder at `progN-prog`, by N. */
export function programsIn(folder: DispatcherFolder): Map<number, PinnedProgram> {
  const programs = new Map<number, PinnedProgram>();
  for (const { name } of listFolder(folder.path)) {
    const slot = /^prog(\d+)-prog$/.exec(name)?.[1];
    if (slot === undefined) continue;
    const info = withPin(`${folder.path}/${name}`, (fd) => programInfo(fd));
    if (info) programs.set(Number(slot), { name: info.name, programId: info.id });
  }
  return programs;
}

/** The programs of a dispatcher by their slots; none when nobody pinned them. */
export function pinnedPrograms(dispatcherId: number): Map<number, PinnedProgram> {
  const folder = dispatcherFolders().find((one) => one.dispatcherId === dispatcherId);
  return folder ? programsIn(folder) : new Map<number, PinnedProgram>();
}
