import { closeSync } from 'node:fs';
import { release } from 'node:os';
import { forceDetach } from '../bpf/link';
import { createMap } from '../bpf/map';
import { attachType, loadInstructions, programFlags, programType } from '../bpf/program';
import {
  assemble,
  callHelper,
  exit,
  helper,
  loadMapValue,
  movImm,
  op,
  pseudo,
  type Line,
} from '../glue/assembler';
import { failedWith, KernelCallError } from '../sys/errors';
import type { FeatureProbe, KernelFeatures, ProbeOutcome } from '../types';
import { hasTcx } from './tcx';

interface Probe {
  name: string;
  /** First kernel that has it. */
  since: string;
  /** Returns descriptors to close; a failure of the kernel says that the feature is missing. */
  run: () => number[];
  /** Answers that mean something else than "not supported". */
  inconclusive?: readonly string[];
  /** Answers that prove the feature, although the call failed. */
  proving?: readonly string[];
}

const pass: Line[] = [movImm(0, 2), exit];
const xdp = (lines: readonly Line[], flags = 0): number[] => [
  loadInstructions({
    type: programType.xdp,
    name: 'l3af_probe',
    instructions: assemble(lines),
    attachType: attachType.xdp,
    flags,
  }),
];
const map = (type: string, more: Partial<Parameters<typeof createMap>[0]> = {}): number =>
  createMap({ type, name: 'l3af_probe', keyBytes: 4, valueBytes: 8, entriesMax: 1, ...more });

function withMap(fd: number, body: (fd: number) => number[]): number[] {
  try {
    return [...body(fd), fd];
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Detaching came with XDP links: a kernel that knows it complains of the descriptor. */
function detachNothing(): number[] {
  forceDetach(-1);
  return [];
}

const probes: readonly Probe[] = [
  { name: 'xdp', since: '4.8', run: () => xdp(pass) },
  { name: 'xdp-link', since: '5.9', run: detachNothing, proving: ['EBADF'] },
  { name: 'xdp-frags', since: '5.18', run: () => xdp(pass, programFlags.xdpHasFrags) },
  {
    name: 'tc',
    since: '4.1',
    run: () => [
      loadInstructions({
        type: programType.schedCls,
        name: 'l3af_probe',
        instructions: assemble(pass),
        attachType: 0,
      }),
    ],
  },
  {
    name: 'tcx',
    since: '6.6',
    run: () => {
      if (!hasTcx()) throw new KernelCallError('BPF_PROG_QUERY', 22);
      return [];
    },
  },
  {
    name: 'map-value-address',
    since: '5.2',
    run: () => withMap(map('array'), (fd) => xdp([...loadMapValue(1, fd, 0), ...pass])),
  },
  {
    name: 'tail-call-in-subprogram',
    since: process.arch === 'arm64' ? '6.0' : '5.10',
    run: () => withMap(map('prog_array', { valueBytes: 4 }), tailCallInSubprogram),
  },
  {
    name: 'ring-buffer',
    since: '5.8',
    run: () => [map('ringbuf', { keyBytes: 0, valueBytes: 0, entriesMax: 4096 })],
  },
  { name: 'bloom-filter', since: '5.16', run: () => [map('bloom_filter', { keyBytes: 0 })] },
  { name: 'lpm-trie', since: '4.11', run: () => [map('lpm_trie', { keyBytes: 8, flags: 1 })] },
  { name: 'bounded-loops', since: '5.3', run: () => xdp(loop) },
];

const loop: Line[] = [
  movImm(1, 4),
  { label: 'again' },
  { code: op.add64Imm, dst: 1, imm: -1 },
  { code: op.jumpNotEqual, dst: 1, imm: 0, to: 'again' },
  ...pass,
];

/** The main program calls a function that tail-calls; BTF would be asked for it, so the call is in the main one. */
function tailCallInSubprogram(fd: number): number[] {
  return xdp([
    { code: op.mov64, dst: 6, src: 1 },
    { code: op.call, src: pseudo.call, imm: 7 },
    { code: op.mov64, dst: 1, src: 6 },
    { code: op.loadImm64, dst: 2, src: pseudo.mapFd, imm: fd },
    { code: 0 },
    movImm(3, 0),
    callHelper(helper.tailCall),
    ...pass,
    ...pass,
  ]);
}

function runProbe({
  name,
  since,
  run,
  inconclusive = ['EPERM', 'ENOMEM'],
  proving = [],
}: Probe): FeatureProbe {
  const done = (outcome: ProbeOutcome, detail?: string): FeatureProbe => ({
    name,
    outcome,
    since,
    ...(detail !== undefined && { detail }),
  });
  try {
    run().forEach((fd) => closeSync(fd));
    return done('supported');
  } catch (error) {
    if (failedWith(error, ...proving)) return done('supported');
    if (failedWith(error, ...inconclusive)) return done('unknown', error.errnoCode);
    if (error instanceof KernelCallError) return done('unsupported', error.errnoCode);
    throw error;
  }
}

const conclusive = new Map<string, FeatureProbe>();

/** Probes the features that chains and KFs need. Only conclusive outcomes are remembered. */
export function probeFeatures(): KernelFeatures {
  const found = probes.map((probe) => {
    const known = conclusive.get(probe.name);
    if (known) return known;
    const outcome = runProbe(probe);
    if (outcome.outcome !== 'unknown') conclusive.set(probe.name, outcome);
    return outcome;
  });
  return {
    kernel: release(),
    supported: Object.fromEntries(found.map(({ name, outcome }) => [name, outcome === 'supported'])),
    probes: found,
  };
}
