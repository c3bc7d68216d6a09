import type { LiveExplanation } from '@l3af/contracts';
import type { WatchRecord } from '@l3af/kernel';
import { type LiveChain, livePacket } from './live-packet';

/** A packet whose last record has not come after so long will not be whole. */
const patienceMs = 2000;

interface Waiting {
  at: number;
  records: WatchRecord[];
}

/** Puts the records of live packets together. They may come in any order of packets: each CPU has its own. */
export class LivePackets {
  private readonly waiting = new Map<bigint, Waiting>();
  /** Packets that are told. */
  told = 0;
  incomplete = 0;

  /** `countMax`: no more packets than these are told. */
  constructor(
    private readonly chain: LiveChain,
    private readonly countMax: number,
  ) {}

  /** The packets that are whole with these records; `now` in milliseconds since 1970. */
  add(records: readonly WatchRecord[], now: number): LiveExplanation[] {
    for (const record of records) {
      const known = this.waiting.get(record.packet) ?? { at: now, records: [] };
      known.records.push(record);
      this.waiting.set(record.packet, known);
    }
    const whole: LiveExplanation[] = [];
    for (const [packet, { at, records: all }] of this.waiting) {
      const explained = livePacket(this.chain, all);
      if (explained === undefined && now - at < patienceMs) continue;
      this.waiting.delete(packet);
      if (explained === undefined) this.incomplete++;
      else if (!this.isFull())
        whole.push({ ...explained, number: ++this.told, at: new Date(at).toISOString() });
    }
    return whole;
  }

  /** What is still waiting will not be whole any more. */
  giveUp(): void {
    this.incomplete += this.waiting.size;
    this.waiting.clear();
  }

  isFull(): boolean {
    return this.told >= this.countMax;
  }
}
