import { release } from 'node:os';

/** What `it` looks like to tests that may have to be skipped. */
export interface MaybeSkipped {
  (name: string, test: () => unknown, timeoutMs?: number): void;
  each<Row>(table: readonly Row[]): (name: string, test: (row: Row) => unknown, timeoutMs?: number) => void;
}

/** The mark by which the test runner finds the reason in a skipped test's title. */
const withReason = (name: string, reason: string): string => `${name} [skipped: ${reason}]`;

const neverRun = (): void => undefined;

/**
 * `it` where `available` holds; otherwise a skipped test whose title carries the reason, which the test runner counts and lists.
 * The number of skipped tests may not rise unnoticed (infra/skips.json).
 */
export function skipUnless(available: boolean, reason: string): MaybeSkipped {
  if (available) return it as unknown as MaybeSkipped;
  const skipped = (name: string): void => it.skip(withReason(name, reason), neverRun);
  return Object.assign(skipped, {
    each:
      <Row>(table: readonly Row[]) =>
      (name: string): void =>
        it.skip.each(table as Row[])(withReason(name, reason), neverRun),
  });
}

/** The kernels that `npm run test:kernels` boots (infra/vm/kernels.mjs). */
export const matrixKernels = ['5.10', '6.1', '6.12'] as const;

/** What a test needs of the kernel. */
export interface KernelFeature {
  name: string;
  /** First kernel that has it, such as `6.6`. */
  since: string;
  /** What a probe says, asked of the kernel, not of its number; `denied`: it is there, and this machine does not permit its use. */
  found: boolean | 'denied';
}

const numberOf = (version: string): number => {
  const [major = 0, minor = 0] = version.split(/[.-]/, 2).map(Number);
  return major * 1000 + minor;
};

/** Why a test may not be skipped for a missing feature, or undefined when it may. */
export function whyNotSkipped({ name, since, found }: KernelFeature, kernel: string): string | undefined {
  if (matrixKernels.every((version) => numberOf(version) < numberOf(since)))
    return `Cannot test ${name}: it came with Linux ${since}, no kernel of the matrix (${matrixKernels.join(', ')}) has it`;
  if (found === false && numberOf(kernel) >= numberOf(since))
    return `Cannot skip for want of ${name}: it came with Linux ${since}, this is ${kernel} and the probe does not find it`;
  return undefined;
}

/**
 * `it` where the kernel has the feature. On an older kernel a skipped test; on one that must have it, or when no kernel of the matrix
 * could ever run it, a test that fails: so a skip cannot outlive its reason.
 */
export function needsFeature(feature: KernelFeature, kernel = release()): MaybeSkipped {
  const problem = whyNotSkipped(feature, kernel);
  if (problem === undefined) {
    const why = feature.found === 'denied' ? 'this machine does not permit' : `needs Linux ${feature.since}:`;
    return skipUnless(feature.found === true, `${why} ${feature.name}`);
  }
  const failing = (name: string): void =>
    it(name, () => {
      throw new Error(problem);
    });
  return Object.assign(failing, { each: () => failing });
}
