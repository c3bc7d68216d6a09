import { possibleCpus } from '../bpf/cpus';
import type { KernelMap } from '../bpf/map';
import type { ChainCounters, HookTarget } from '../types';
import { row, verdictAt } from '../glue/counters-layout';
import { type Baseline, readBaselines, writeBaselines } from './baseline';
import {
  enabledOf,
  kfIndex,
  openGeneration,
  openMapPin,
  requireGeneration,
  type PinnedGeneration,
} from '../generation/generation';

const keyOf = (index: number): Buffer => {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  return key;
};

/** One KF's row, summed over the CPUs. */
export function readRow(counters: KernelMap, index: number): bigint[] {
  const value = counters.lookup(keyOf(index));
  const fields = row.bytes / 8;
  const sums = new Array<bigint>(fields).fill(0n);
  if (value === undefined) return sums;
  for (let cpu = 0; cpu < possibleCpus(); cpu++) {
    for (let field = 0; field < fields; field++) {
      sums[field] = (sums[field] ?? 0n) + value.readBigUInt64LE(cpu * row.bytes + field * 8);
    }
  }
  return sums;
}

/** Packets that went on past each KF since the generation was loaded, as if all had been on all the time. Pure. */
export function passedBy(rows: readonly (readonly bigint[])[]): bigint[] {
  let later = 0n;
  const passed = new Array<bigint>(rows.length).fill(0n);
  for (let index = rows.length - 1; index >= 0; index--) {
    const counts = rows[index] ?? [];
    passed[index] = later + (counts[row.end] ?? 0n);
    later += counts.slice(0, row.broken + 1).reduce((sum, count) => sum + count, 0n);
  }
  return passed;
}

/**
 * What passed a KF is derived from what left later, so packets that skipped a switched-off KF must not be its own:
 * at each switch the number so far is put away (`kept`), together with the raw number at that moment.
 */
export interface Account {
  kept: bigint;
  rawThen: bigint;
}

export function readAccounts(map: KernelMap, count: number): Account[] {
  return Array.from({ length: count }, (_, index) => {
    const value = map.lookup(keyOf(index)) ?? Buffer.alloc(16);
    return { kept: value.readBigUInt64LE(0), rawThen: value.readBigUInt64LE(8) };
  });
}

export function proceededNow(
  raw: readonly bigint[],
  accounts: readonly Account[],
  enabled: readonly boolean[],
): bigint[] {
  return raw.map((passed, index) => {
    const { kept, rawThen } = accounts[index] ?? { kept: 0n, rawThen: 0n };
    return enabled[index] ? kept + passed - rawThen : kept;
  });
}

/** Puts away what passed so far; to be called just before KFs are switched. */
export function settleAccounts(generation: PinnedGeneration, enabled: readonly boolean[]): void {
  using counters = openMapPin(generation.paths.counters);
  using map = openMapPin(generation.paths.accounts);
  const raw = passedBy(enabled.map((_, index) => readRow(counters, index)));
  const proceeded = proceededNow(raw, readAccounts(map, enabled.length), enabled);
  proceeded.forEach((kept, index) => {
    const value = Buffer.alloc(16);
    value.writeBigUInt64LE(kept, 0);
    value.writeBigUInt64LE(raw[index] ?? 0n, 8);
    map.update(keyOf(index), value);
  });
}

interface Counted {
  pinned: PinnedGeneration;
  /** One row per KF, and what proceeded past it, since the generation was loaded. */
  rows: bigint[][];
  proceeded: bigint[];
}

function countNow(target: HookTarget, generation: number): Counted {
  const pinned = requireGeneration(target, generation);
  const enabled = enabledOf(pinned);
  using counters = openMapPin(pinned.paths.counters);
  using accounts = openMapPin(pinned.paths.accounts);
  const rows = pinned.record.kfs.map((_, index) => readRow(counters, index));
  return {
    pinned,
    rows,
    proceeded: proceededNow(passedBy(rows), readAccounts(accounts, rows.length), enabled),
  };
}

/**
 * Terminal verdicts, counted exactly, and what proceeded, derived: since the last {@link resetCounters}, or with `since: 'load'` since the
 * generation was loaded, which never goes back. What is broken is never reset.
 */
export function readCounters(
  target: HookTarget,
  generation: number,
  { since = 'reset' }: { since?: 'reset' | 'load' } = {},
): ChainCounters {
  const counted = countNow(target, generation);
  const { pinned, rows } = counted;
  return countersOf(target, counted, since === 'reset' ? readBaselines(pinned.paths, rows.length) : []);
}

function countersOf(
  target: HookTarget,
  { pinned, rows, proceeded }: Counted,
  baselines: readonly Baseline[],
): ChainCounters {
  const broken = rows.map((counts) => Number(counts[row.broken] ?? 0n));
  const brokenAt = broken.findIndex((count) => count > 0);
  return {
    kfs: pinned.record.kfs.map((kf, index) => {
      const baseline = baselines[index];
      const counts = (rows[index] ?? []).map((count, field) => count - (baseline?.counts[field] ?? 0n));
      return {
        name: kf.name,
        programId: kf.programId,
        verdicts: verdictsOfRow(target, counts),
        proceeded: Number((proceeded[index] ?? 0n) - (baseline?.proceeded ?? 0n)),
        ...timeOfRow(counts),
      };
    }),
    broken: broken.reduce((sum, count) => sum + count, 0),
    ...(brokenAt >= 0 && { brokenAfter: pinned.record.kfs[brokenAt]?.name }),
  };
}

/**
 * Lets the counters of all KFs, or of one, begin at zero, without a reload; returns them as they were before. Nothing on the packet path is
 * written (a CPU that counts at that moment would undo it): what was counted so far is put down, and subtracted from then on.
 */
export function resetCounters(target: HookTarget, generation: number, kf?: string): ChainCounters {
  const counted = countNow(target, generation);
  const { pinned, rows, proceeded } = counted;
  const only = kf === undefined ? undefined : kfIndex(pinned, kf);
  const isReset = (index: number): boolean => only === undefined || only === index;
  const old = readBaselines(pinned.paths, rows.length);
  writeBaselines(
    pinned.paths,
    old.map((baseline, index) =>
      isReset(index) ? { counts: rows[index] ?? [], proceeded: proceeded[index] ?? 0n } : baseline,
    ),
  );
  const before = countersOf(target, counted, old);
  return { ...before, kfs: before.kfs.filter((_, index) => isReset(index)) };
}

/**
 * Shows with the counters of the generation `to` what `from` has counted, by KF, so that it can be removed. What `to` counted since it was
 * loaded is not touched. Does nothing when either is not there.
 */
export function carryCounters(target: HookTarget, { from, to }: { from: number; to: number }): void {
  const receiver = openGeneration(target, to);
  if (receiver === undefined || openGeneration(target, from) === undefined) return;
  const { pinned, rows, proceeded } = countNow(target, from);
  const { paths, record } = receiver;
  const baselines = readBaselines(paths, record.kfs.length).map((baseline, index) => {
    const place = pinned.record.kfs.findIndex(({ name }) => name === record.kfs[index]?.name);
    const counted = rows[place] ?? [];
    return {
      counts: baseline.counts.map((count, field) => count - ((field < row.verdicts && counted[field]) || 0n)),
      proceeded: baseline.proceeded - (proceeded[place] ?? 0n),
    };
  });
  writeBaselines(paths, baselines);
}

function verdictsOfRow({ hook }: HookTarget, counts: readonly bigint[]): Record<string, number> {
  const verdicts: Record<string, number> = {};
  counts.slice(0, row.verdicts).forEach((count, place) => {
    if (count > 0n) verdicts[verdictAt(hook, place)] = Number(count);
  });
  return verdicts;
}

function timeOfRow(counts: readonly bigint[]): { nanoseconds?: number } {
  const timed = Number(counts[row.timed] ?? 0n);
  // What reading the clock takes was taken off, so that the sum over very short runs may be below zero.
  const sum = Number(BigInt.asIntN(64, counts[row.nanoseconds] ?? 0n));
  return timed === 0 ? {} : { nanoseconds: Math.max(0, sum) / timed };
}
