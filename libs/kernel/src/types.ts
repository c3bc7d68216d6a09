import type { AttachMode, Hook } from '@l3af/contracts';
import type { WatchLoad } from './trace/watch-types';

/** One hook of one interface, as one executor sees it. Decides where the pins live and where the link goes. */
export interface HookTarget {
  /** Keeps several executors on one machine apart. */
  instance: string;
  node: string;
  interface: string;
  hook: Hook;
  /** Of `interface`, in `netns`. */
  ifindex: number;
  /** Path of a network namespace such as /run/netns/x; default: the process's own. */
  netns?: string | undefined;
  /** Where a first attach on a tcx hook goes among other programs; default: last. */
  position?: 'first' | 'last' | { before: Neighbour } | { after: Neighbour } | undefined;
  /** The revision of the tcx hook that the position was chosen by: a first attach on another one is refused. */
  expectedRevision?: number | undefined;
  /**
   * Share the XDP hook by libxdp's protocol: the chain becomes one of a dispatcher's programs, at this priority (lower ones run
   * first). Decided at the first attach; a chain that has the hook to itself keeps it. Requires freplace and libxdp.
   */
  dispatcher?: { priority: number } | undefined;
  /** How a TC chain is attached; default: tcx where the kernel has it (6.6), else cls_bpf. */
  tc?: 'tcx' | 'cls_bpf' | undefined;
}

/** Another program on a tcx hook: its id, its name, or the path where it or its link is pinned. */
export type Neighbour = number | string;

/** Bytes to put into a global data section before the load; see `planConfig` of libs/bpf-object. */
export interface ConstantPatch {
  section: string;
  offset: number;
  bytes: Uint8Array;
}

/** One map entry. For per-CPU maps `value` is one CPU's value and is written to all CPUs. */
export interface MapWrite {
  map: string;
  key: Uint8Array;
  value: Uint8Array;
}

/** Moves one field of an old map value into the new one; fields not named keep `defaults` or zero. Offsets in bytes. */
export interface MapMigration {
  map: string;
  /** Name of the map in the live generation; default: `map`. */
  from?: string | undefined;
  /** Parts of the key that are carried over; default: the whole key, which must then have the same size. */
  key?: FieldMove[] | undefined;
  /** Parts of the value that are carried over; default: the first bytes that both sizes have. */
  value?: FieldMove[] | undefined;
  /** The value that fields not carried over start with; default: zeros. */
  defaults?: Uint8Array | undefined;
}

/** Little-endian integers are widened with zeros (or the sign) when `toBytes` is larger than `fromBytes`. */
export interface FieldMove {
  fromOffset: number;
  fromBytes: number;
  toOffset: number;
  toBytes: number;
  signed?: boolean | undefined;
}

/** A KF to load. `proceedOn` are the kernel's verdict numbers. */
export interface KfLoad {
  name: string;
  object: Uint8Array;
  /** The entry function. */
  program: string;
  proceedOn: number[];
  enabled: boolean;
  constants: ConstantPatch[];
  writes: MapWrite[];
  /** Entries to leave out when a map's content is carried over from the live generation. */
  removes?: { map: string; key: Uint8Array }[] | undefined;
  digest: string;
  /** `keep` reuses the maps of the live generation's KF of the same name, `fresh` does not. */
  state: 'keep' | 'fresh';
  migrations?: MapMigration[] | undefined;
}

export interface GenerationLoad {
  generation: number;
  /** Any text up to 64 KiB, normally the applied chain as JSON; given back by {@link ObservedGeneration}. */
  metadata: string;
  kfs: KfLoad[];
  /** The generation whose map state is reused; default: the live one. `null`: none. */
  reuseFrom?: number | null | undefined;
  /**
   * Measure the KFs on one packet in 64; see {@link KfCounts.nanoseconds}. Every KF is loaded twice: the other packets run the plain
   * programs, so that measuring costs them no more than the choice in front of the chain, which is one tail call.
   */
  timed?: boolean | undefined;
  /** Record what each KF does to packets that match; see `openWatch`. Every KF is loaded twice, as for `timed`. */
  watch?: WatchLoad | undefined;
}

export interface LoadedKf {
  name: string;
  digest: string;
  /** The kernel's id of the entry program. */
  programId: number;
  enabled: boolean;
  /** How the KF is chained; the epilogue is the faster one. */
  glue: 'epilogue' | 'calling';
  /** Maps that the generation shares with the one before. */
  reusedMaps: string[];
  /** Maps whose content was copied or migrated from the generation before. */
  carriedMaps: string[];
}

export interface LoadedGeneration {
  generation: number;
  kfs: LoadedKf[];
  warnings: string[];
  loadMs: number;
}

/** A generation found on bpffs. */
export interface ObservedGeneration {
  generation: number;
  /** False when the process that loaded it died on the way; such a generation can only be removed. */
  complete: boolean;
  metadata: string;
  kfs: {
    name: string;
    digest: string;
    program: string;
    programId: number;
    enabled: boolean;
    proceedOn: number[];
  }[];
}

/** A program on the hook that is not ours. */
export interface ForeignOwner {
  programId: number;
  /** `libxdp-dispatcher`, `program` or `link`. */
  kind: 'libxdp-dispatcher' | 'program' | 'link';
  name: string;
  mode?: AttachMode | undefined;
  /** For a libxdp dispatcher: its protocol version and the programs it calls, in order. */
  dispatcher?:
    | {
        version: number;
        programs: { name: string; programId?: number | undefined; priority: number; proceedOn: number[] }[];
      }
    | undefined;
}

export interface ObservedHook {
  /** True when a program of ours is on the hook. */
  attached: boolean;
  mode?: AttachMode | undefined;
  /** The generation whose program the hook runs. */
  live?: ObservedGeneration | undefined;
  /** Every generation on bpffs, the live one included, oldest first. */
  generations: ObservedGeneration[];
  /** The chain is one of the programs of a libxdp dispatcher, which is listed as foreign. */
  joined: boolean;
  /** What others have on the hook. On an XDP hook it keeps us from attaching; on a TC hook it runs beside us. */
  foreign: ForeignOwner[];
  /** Ways in which the kernel differs from what was left in it. */
  drift: HookDrift[];
}

export interface HookDrift {
  kind: 'detached' | 'link-unpinned' | 'slot-empty' | 'slot-changed' | 'foreign-before' | 'pin-missing';
  detail: string;
}

export interface SwapResult {
  mode: AttachMode;
  swapMs: number;
  /** True when the chain was not on the hook before: such an attach is not hitless on every network card. */
  firstAttach: boolean;
}

export interface KfCounts {
  name: string;
  programId: number;
  /** Packets that left the chain at this KF, by verdict name; verdicts never seen are absent, unknown ones are `OTHER`. */
  verdicts: Record<string, number>;
  /** Packets that went on (for the last KF: that reached the end of the chain). */
  proceeded: number;
  /** Mean time of one run, less what reading the clock takes, where the generation is timed. */
  nanoseconds?: number | undefined;
}

export interface ChainCounters {
  kfs: KfCounts[];
  /** Packets whose tail call fell through inside the chain; anything but 0 is a broken chain. */
  broken: number;
  /** Name of the KF after which it broke, when it did. */
  brokenAfter?: string | undefined;
}

/** An interface of a namespace, as rtnetlink tells it. */
export interface InterfaceInfo {
  name: string;
  ifindex: number;
  mtu: number;
  mac: string;
  up: boolean;
  /** `veth`, `vlan`, `bond`, …; absent for hardware. */
  kind?: string | undefined;
}

/** `lost` means that messages were dropped and the interfaces must be listed again. */
export type InterfaceChange = { type: 'added' | 'removed'; interface: InterfaceInfo } | { type: 'lost' };

/** Three outcomes: only what was conclusively probed is a fact. */
export type ProbeOutcome = 'supported' | 'unsupported' | 'unknown';

export interface FeatureProbe {
  name: string;
  outcome: ProbeOutcome;
  /** First kernel that has it, as `major.minor`. */
  since: string;
  /** Why it is unsupported or unknown. */
  detail?: string | undefined;
}

export interface KernelFeatures {
  kernel: string;
  /** One boolean per feature for reports: true only when supported. */
  supported: Record<string, boolean>;
  probes: FeatureProbe[];
}

/** The functions of this library that the executor calls, as one type. */
export interface ChainEngine {
  /** What is on the hook and on bpffs now. Never fails on half-loaded leftovers; says them. */
  observeHook(target: HookTarget): ObservedHook;
  /** Loads and pins everything, makes nothing live. On any failure nothing is left. */
  loadGeneration(target: HookTarget, load: GenerationLoad): Promise<LoadedGeneration>;
  /** Makes a loaded generation live by one atomic replacement, or by a first attach. */
  swapTo(target: HookTarget, generation: number): SwapResult;
  /** Unpins a generation that is not live; refuses the live one. Absent: does nothing. */
  removeGeneration(target: HookTarget, generation: number): void;
  /** Takes our program off the hook and removes every generation. Others' programs stay. */
  detach(target: HookTarget): void;
  readCounters(target: HookTarget, generation: number): ChainCounters;
  setEnabled(target: HookTarget, generation: number, change: { kf: string; enabled: boolean }): void;
  /** Rewrites the metadata of a loaded generation, after a change that needed no new one. */
  writeMetadata(target: HookTarget, generation: number, metadata: string): void;
  openKfMap(target: HookTarget, generation: number, at: { kf: string; map: string }): KfMap;
  listInterfaces(netns?: string): InterfaceInfo[];
  /** Calls back for every interface that appears or goes; `close()` ends it. */
  watchInterfaces(netns: string | undefined, callback: (change: InterfaceChange) => void): { close(): void };
  probeFeatures(): KernelFeatures;
  /** Mounts bpffs on /sys/fs/bpf when it is not. */
  ensureBpffs(): void;
  /** Hooks that have pins: what an executor finds after a restart. */
  listHooks(instance: string): { node: string; interface: string; hook: Hook }[];
  /** Detaches and removes everything of an instance, links included. */
  removeInstance(instance: string): void;
}

/** A map of a loaded KF: bytes in, bytes out. Close it with {@link close} or `using`. */
export interface KfMap {
  readonly info: MapInfo;
  /** The value; for per-CPU maps the values of all possible CPUs, one after the other, each padded to 8 bytes. */
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array): void;
  /** True when there was such an entry. */
  delete(key: Uint8Array): boolean;
  entries(limit?: number): Iterable<{ key: Uint8Array; value: Uint8Array }>;
  close(): void;
  [Symbol.dispose](): void;
}

export interface MapInfo {
  id: number;
  /** The kernel's name in lower case: `hash`, `percpu_array`, `lpm_trie`, … */
  type: string;
  name: string;
  keyBytes: number;
  valueBytes: number;
  entriesMax: number;
  flags: number;
}
