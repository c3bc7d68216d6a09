import { chainKeyText, type ChainKey } from '@l3af/contracts';

/** Which generation of a hook is kept for a roll-back, and until when. */
export class Probation {
  private readonly generations = new Map<string, { generation: number; timer: NodeJS.Timeout }>();

  /** `ended` is called when a hook's probation is over and the generation may go. */
  constructor(private readonly ended: (key: ChainKey) => void) {}

  start(key: ChainKey, generation: number, durationMs: number): void {
    this.forget(key);
    const timer = setTimeout(() => {
      this.forget(key);
      this.ended(key);
    }, durationMs);
    this.generations.set(chainKeyText(key), { generation, timer });
  }

  previousOf(key: ChainKey): number | undefined {
    return this.generations.get(chainKeyText(key))?.generation;
  }

  kept(key: ChainKey): number[] {
    const generation = this.previousOf(key);
    return generation === undefined ? [] : [generation];
  }

  forget(key: ChainKey): void {
    const id = chainKeyText(key);
    clearTimeout(this.generations.get(id)?.timer);
    this.generations.delete(id);
  }

  stop(): void {
    for (const { timer } of this.generations.values()) clearTimeout(timer);
    this.generations.clear();
  }
}
