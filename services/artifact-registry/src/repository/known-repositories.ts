/** Which repositories there are: what one look through everything tells, shared by all who ask before it begins. */
export class KnownRepositories {
  private running: Promise<Set<string>> | undefined;
  private next: Promise<Set<string>> | undefined;

  /** @param keys of what repositories have, `REPOSITORY/DIGEST` */
  constructor(private readonly keys: () => Promise<string[]>) {}

  /** Whether there is such a repository now. However many ask, one look goes on at a time and one waits. */
  async has(repository: string): Promise<boolean> {
    return (await this.look()).has(repository);
  }

  private look(): Promise<Set<string>> {
    if (!this.running) return this.begin();
    // The one that runs may have passed what was pushed meanwhile.
    this.next ??= this.running
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.begin();
      });
    return this.next;
  }

  private begin(): Promise<Set<string>> {
    const look = this.keys().then((keys) => new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/')))));
    const settled = look.finally(() => {
      this.running = undefined;
    });
    this.running = settled;
    return settled;
  }
}
