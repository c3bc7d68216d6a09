import { setTimeout as delay } from 'node:timers/promises';
import { cannot, chainKeyText, type ChainKey, L3afError, type NodeReply } from '@l3af/contracts';
import { loadGeneration, readCounters, removeGeneration, swapTo } from '@l3af/kernel';
import type { ArtifactStore } from '../artifact/artifact-store';
import { kfLoad } from './execute';
import { observe, writeApplied } from './observe';
import type { Reconciler } from './reconcile';

export interface TimingRequest {
  key: ChainKey;
  seconds: number;
  reconciler: Reconciler;
  artifacts: Pick<ArtifactStore, 'get'>;
}

/** Longer than any measurement: until then the generation without timers is kept. */
const keptMs = 120_000;

/**
 * Measures each KF on live packets: swaps in a generation of the same chain with timers in its glue, and after some
 * seconds the one before again. Both share the KFs' maps, so that no state is lost on the way.
 */
export async function timeChain(request: TimingRequest): Promise<NodeReply<'time'>> {
  const { key, seconds, reconciler } = request;
  const id = chainKeyText(key);
  if (reconciler.timing.has(id)) throw refusal(id, 'it is being timed already');
  reconciler.timing.add(id);
  try {
    const timed = await reconciler.alone(() => swapIn(request));
    await delay(seconds * 1000);
    return await reconciler.alone(() => Promise.resolve(swapOut(request, timed)));
  } finally {
    reconciler.timing.delete(id);
    reconciler.schedule(key);
  }
}

const refusal = (id: string, state: string): L3afError =>
  new L3afError('conflict', cannot('time', 'chain', id, state));

function liveOn({ key, reconciler }: TimingRequest) {
  const target = reconciler.target(key);
  const observed = target && observe(target);
  if (!target || !observed?.live || observed.live.applied.kfs.length === 0) {
    throw new L3afError('unknown-chain', cannot('time', 'chain', chainKeyText(key), 'no KF of it is live'));
  }
  return { target, live: observed.live, idle: observed.idle };
}

async function swapIn(request: TimingRequest): Promise<number> {
  const { target, live, idle } = liveOn(request);
  const artifacts = new Map<string, Awaited<ReturnType<ArtifactStore['get']>>>();
  for (const kf of live.applied.kfs) artifacts.set(kf.digest, await request.artifacts.get(kf));
  const generation = Math.max(live.generation, ...idle.map((one) => one.generation)) + 1;
  await loadGeneration(target, {
    generation,
    metadata: writeApplied({ ...live.applied, timed: true }),
    kfs: live.applied.kfs.map((kf) => kfLoad(kf, { target, artifacts }, live.applied)),
    reuseFrom: live.generation,
    timed: true,
  });
  request.reconciler.probation.start(request.key, live.generation, keptMs);
  swapTo(target, generation);
  return generation;
}

function swapOut(request: TimingRequest, timed: number): NodeReply<'time'> {
  const { key, seconds, reconciler } = request;
  const { target, live } = liveOn(request);
  if (live.generation !== timed) throw refusal(chainKeyText(key), 'it was changed meanwhile');
  const { kfs } = readCounters(target, timed);
  const previous = reconciler.probation.previousOf(key);
  if (previous === undefined) throw refusal(chainKeyText(key), 'the generation before is gone');
  swapTo(target, previous);
  removeGeneration(target, timed);
  reconciler.probation.forget(key);
  return {
    interface: key.interface,
    hook: key.hook,
    revision: live.applied.revision,
    seconds,
    kfs: kfs.map(({ name, nanoseconds, verdicts, proceeded }) => ({
      name,
      nanoseconds: nanoseconds ?? null,
      packets: Object.values(verdicts).reduce((sum, count) => sum + count, proceeded),
    })),
  };
}
