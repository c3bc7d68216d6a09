/** Runs work for ids one at a time; an id that is added while it waits is run once, while it runs, once more. */
export class SerialQueue<Id> {
  private readonly waiting = new Set<Id>();
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly work: (id: Id) => Promise<void>) {}

  add(id: Id): void {
    if (this.stopped) return;
    this.waiting.add(id);
    this.running ??= this.drain().finally(() => (this.running = undefined));
  }

  /** Resolves when nothing waits or runs. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.waiting.clear();
    await this.running;
  }

  private async drain(): Promise<void> {
    // The caller of add() goes on first, so that a burst of the same id is one run.
    await Promise.resolve();
    for (const id of this.waiting) {
      this.waiting.delete(id);
      await this.work(id);
    }
  }
}
