/** What `it` looks like to tests that may have to be skipped. */
export interface MaybeSkipped {
  (name: string, test: () => unknown, timeoutMs?: number): void;
  each<Row>(table: readonly Row[]): (name: string, test: (row: Row) => unknown, timeoutMs?: number) => void;
}

/** The mark by which the test runner finds the reason in a skipped test's title. */
const withReason = (name: string, reason: string): string => `${name} [skipped: ${reason}]`;

/**
 * `it` where `available` holds; otherwise a skipped test whose title carries the reason, which the test runner counts and lists.
 * The number of skipped tests may not rise unnoticed (infra/skips.json).
 */
export function skipUnless(available: boolean, reason: string): MaybeSkipped {
  if (available) return it as unknown as MaybeSkipped;
  const skipped = (name: string, test: () => unknown): void =>
    it.skip(withReason(name, reason), test as () => void);
  return Object.assign(skipped, {
    each:
      <Row>(table: readonly Row[]) =>
      (name: string, test: (row: Row) => unknown): void =>
        it.skip.each(table as Row[])(withReason(name, reason), test as (row: Row) => void),
  });
}
