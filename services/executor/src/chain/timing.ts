import { setTimeout as delay } from 'node:timers/promises';
import { cannot, chainKeyText, type ChainKey, L3afError, type NodeReply } from '@l3af/contracts';
import { readCounters } from '@l3af/kernel';
import { threeDigits } from '../report/digits';
import type { Measuring } from './measuring';

/** Measures each KF on live packets for some seconds, by a generation of the same chain with timers in its glue. */
export function timeChain(
  measuring: Measuring,
  { key, seconds }: { key: ChainKey; seconds: number },
): Promise<NodeReply<'time'>> {
  return measuring.run(key, { timed: true }, async ({ target, generation, applied, isLive }, signal) => {
    await delay(seconds * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) throw refusal(key, 'the executor is stopping');
    if (!isLive()) throw refusal(key, 'it was changed meanwhile');
    const { kfs } = readCounters(target, generation);
    return {
      interface: key.interface,
      hook: key.hook,
      revision: applied.revision,
      seconds,
      kfs: kfs.map(({ name, nanoseconds, verdicts, proceeded }) => ({
        name,
        nanoseconds: nanoseconds === undefined ? null : threeDigits(nanoseconds),
        packets: Object.values(verdicts).reduce((sum, count) => sum + count, proceeded),
      })),
    };
  });
}

const refusal = (key: ChainKey, state: string): L3afError =>
  new L3afError('conflict', cannot('time', 'chain', chainKeyText(key), state));
