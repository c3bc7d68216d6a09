import { setTimeout as delay } from 'node:timers/promises';
import type { LiveEnd, LiveExplanation, NodeReply } from '@l3af/contracts';
import { openWatch } from '@l3af/kernel';
import type { Measured } from '../chain/measuring';
import { LivePackets } from './live-packets';

const readEveryMs = 20;
/** The caller asks again at once; one that does not for so long is gone. */
const leaseMs = 10_000;
/** Whether the chain is still the one that is watched is asked of the kernel. */
const lookEveryMs = 1_000;
/** How long one question waits for a packet. */
const answerMs = 2_000;

export interface SessionLimits {
  count: number;
  seconds: number;
}

/** Collects the packets of one watched chain until there are enough of them, and hands them out as they are asked for. */
export class LiveSession {
  private packets: LiveExplanation[] = [];
  private end: LiveEnd | undefined;
  private askedAt = Date.now();
  private stopped = false;
  private failure: Error | undefined;
  private lookedAt = Date.now();

  constructor(private readonly limits: SessionLimits) {}

  /** What came since the last time; waits a moment for the first. */
  async next(): Promise<NodeReply<'explain-next'>> {
    this.askedAt = Date.now();
    const isWorthWaiting = (): boolean =>
      this.packets.length === 0 && this.end === undefined && this.failure === undefined;
    while (isWorthWaiting() && Date.now() - this.askedAt < answerMs) await delay(readEveryMs);
    if (this.failure !== undefined) throw this.failure;
    this.askedAt = Date.now();
    const packets = this.packets;
    this.packets = [];
    return { packets, ...(this.end && { end: this.end }) };
  }

  stop(): void {
    this.stopped = true;
  }

  /** Whoever asks next is told. */
  fail(error: Error): void {
    this.failure = error;
  }

  /** Reads until it is over; `signal`: the executor stops. */
  async collect(measured: Measured, signal: AbortSignal): Promise<void> {
    using watch = openWatch(measured.target, measured.generation);
    const packets = new LivePackets(measured, this.limits.count);
    const deadline = Date.now() + this.limits.seconds * 1000;
    let reason: LiveEnd['reason'] | undefined;
    while (reason === undefined) {
      await delay(readEveryMs);
      // Asked before reading: what came until then is read.
      reason = this.whyOver(measured, { deadline, signal });
      this.packets.push(...packets.add(watch.read(), Date.now()));
      if (packets.isFull()) reason = 'count';
    }
    packets.giveUp();
    this.end = { reason, packets: packets.told, incomplete: packets.incomplete };
  }

  private whyOver(
    measured: Measured,
    { deadline, signal }: { deadline: number; signal: AbortSignal },
  ): LiveEnd['reason'] | undefined {
    const now = Date.now();
    if (this.stopped || signal.aborted || now - this.askedAt > leaseMs) return 'stopped';
    if (now >= deadline) return 'timeout';
    if (now - this.lookedAt < lookEveryMs) return undefined;
    this.lookedAt = now;
    return measured.isLive() ? undefined : 'changed';
  }
}
