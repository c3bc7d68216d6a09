/** Runs work for ids one at a time; an id that is added while it waits is run once, while it runs, once more. */
export class SerialQueue<Id> {
  private readonly waiting = new Set<Id>();
  private readonly tasks: (() => Promise<void>)[] = [];
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly work: (id: Id) => Promise<void>) {}

  add(id: Id): void {
    if (this.stopped) return;
    this.waiting.add(id);
    this.wake();
  }

  /** Runs a task of its own while no id is worked on. */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    if (this.stopped) return Promise.reject(new Error('the queue is stopped'));
    return new Promise((resolve, reject) => {
      // A task that throws at once fails alone, too.
      this.tasks.push(() => Promise.resolve().then(task).then(resolve, reject));
      this.wake();
    });
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

  private wake(): void {
    this.running ??= this.drain().finally(() => {
      this.running = undefined;
      if (this.waiting.size > 0 || this.tasks.length > 0) this.wake();
    });
  }

  private async drain(): Promise<void> {
    // The caller of add() goes on first, so that a burst of the same id is one run.
    await Promise.resolve();
    for (let task = this.tasks.shift(); task; task = this.tasks.shift()) await task();
    for (const id of this.waiting) {
      this.waiting.delete(id);
      await this.work(id);
      for (let task = this.tasks.shift(); task; task = this.tasks.shift()) await task();
    }
  }
}
