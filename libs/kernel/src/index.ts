export type {
  HookTarget,
  Neighbour,
  ConstantPatch,
  MapWrite,
  MapMigration,
  FieldMove,
  KfLoad,
  GenerationLoad,
  LoadedKf,
  LoadedGeneration,
  ObservedGeneration,
  ForeignOwner,
  ObservedHook,
  HookDrift,
  SwapResult,
  KfCounts,
  ChainCounters,
  InterfaceInfo,
  InterfaceChange,
  ProbeOutcome,
  FeatureProbe,
  KernelFeatures,
  ChainEngine,
  KfMap,
  MapInfo,
} from './types';
export { openWatch } from './trace/open-watch';
export type { Watch, WatchLoad, WatchRecord } from './trace/watch-types';
export { parseMatch } from './trace/match-expression';
export { loadGeneration } from './load/load';
export { swapTo } from './chain/swap';
export { removeGeneration, detach } from './chain/remove';
export { releaseHook } from './chain/release';
export { observeHook } from './chain/observe';
export { carryCounters, readCounters, resetCounters } from './chain/counters';
export { reattachCompanions } from './load/companions';
export { setEnabled } from './chain/switch';
export { openKfMap } from './chain/kf-map';
export { writeMetadata } from './generation/metadata';
export { ensureBpffs } from './generation/bpffs';
export { listHooks } from './generation/hooks';
export { removeInstance } from './generation/instance';
export { hookFolder, linkPath, generationPaths, l3afRoot } from './generation/paths';
export { listInterfaces } from './net/links';
export { lookingOnce } from './sys/once';
export { watchInterfaces } from './net/watch';
export { isPlainData } from './bpf/map-types';
export { inNetns } from './sys/netns';
export { onKernelOperation } from './sys/operations';
export { KernelCallError } from './sys/errors';
export { loadPlain } from './object/plain';
export type { PlainLoad, PlainProgram } from './object/plain';
export { testRun } from './bpf/test-run';
export { testRunChain } from './chain/test-run';
export { programInfo } from './bpf/program';
export type { ProgramInfo, TestRunOptions, TestRunResult } from './bpf/program';
export { probeFeatures } from './features/probe';
