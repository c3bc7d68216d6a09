import type { LiveExplanation } from '@l3af/contracts';
import type { HookTarget, WatchRecord } from '@l3af/kernel';
import type { AppliedChain } from '../chain/plan';
import { byteChanges } from './byte-changes';
import { endOfChain, head, passedBy, type Step, verdictName } from './steps';

export interface LiveChain {
  target: HookTarget;
  generation: number;
  applied: AppliedChain;
}

/** A packet without its number and the time of its coming, which only the collection knows. */
export type LivePacket = Omit<LiveExplanation, 'number' | 'at'>;

/**
 * Tells a packet's way from its records: the first is the packet as it came, one more for each KF that ran. Undefined when they are not
 * all there. Pure.
 */
export function livePacket(chain: LiveChain, records: readonly WatchRecord[]): LivePacket | undefined {
  const { target, applied, generation } = chain;
  const [arrived, ...runs] = records;
  if (arrived === undefined || arrived.index !== undefined) return undefined;
  const steps: Step[] = [];
  let before = arrived;
  let leftAt: string | undefined;
  for (const [index, kf] of applied.kfs.entries()) {
    if (!kf.enabled) {
      steps.push(passedBy(kf, before.length));
      continue;
    }
    const run = runs.find((one) => one.index === index);
    if (run === undefined) return undefined;
    const verdict = verdictName(target.hook, run.verdict);
    const proceeded = kf.proceedOn.includes(verdict);
    steps.push({
      ...head(kf),
      verdict,
      proceeded,
      nanoseconds: Number(run.nanoseconds),
      changes: byteChanges(before.bytes, run.bytes),
      lengthBefore: before.length,
      lengthAfter: run.length,
      notes: [],
    });
    before = run;
    if (proceeded) continue;
    leftAt = kf.name;
    break;
  }
  const last = steps.findLast(({ verdict }) => verdict !== undefined)?.verdict;
  return {
    interface: target.interface,
    hook: target.hook,
    revision: applied.revision,
    generation,
    steps,
    verdict: leftAt === undefined ? endOfChain(target.hook, last) : (last ?? ''),
    ...(leftAt !== undefined && { leftAt }),
    arrived: arrived.bytes.toString('hex'),
    packet: before.bytes.toString('hex'),
    lengthBefore: arrived.length,
    lengthAfter: before.length,
  };
}
