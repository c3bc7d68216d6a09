import { availableParallelism } from 'node:os';

/** What one run inside the sandbox may use. */
export interface Limits {
  wallMs: number;
  cpuSeconds: number;
  memoryBytes: number;
  processes: number;
  /** Of one file, and of what is read from its standard output. */
  outputBytes: number;
  /** Of what is read from its standard error; the rest is dropped. */
  logBytes: number;
  /** Of the folder in memory that it may write to; default: as much as the output. */
  scratchBytes?: number;
  /** Of all processes of the run at once; the limits above are each process's own. */
  together?: { memoryBytes: number; cpuSeconds: number };
}

const mebibyte = 1024 * 1024;

/** Generous for any KF (a large one takes a second and 200 MiB), and far below what would disturb the builder. */
export const compileLimits: Limits = {
  wallMs: 120_000,
  cpuSeconds: 60,
  memoryBytes: 2048 * mebibyte,
  processes: 32,
  outputBytes: 16 * mebibyte,
  logBytes: mebibyte,
};

/**
 * Go and Rust compile their libraries along, with many threads, and reserve far more memory than they use. A Cargo
 * package brings code of its own that runs, so that many small processes must not add up.
 */
export const programLimits: Limits = {
  wallMs: 600_000,
  cpuSeconds: 300,
  memoryBytes: 6144 * mebibyte,
  // Threads count, and they start some per processor; all at work at once, more would leave little to anybody else.
  processes: Math.min(512, 64 + 16 * availableParallelism()),
  outputBytes: 64 * mebibyte,
  logBytes: mebibyte,
  scratchBytes: 1024 * mebibyte,
  together: { memoryBytes: 4096 * mebibyte, cpuSeconds: 600 },
};

/** git, whose packs unfold: no file of it is larger than a whole source. */
export const fetchLimits: Limits = {
  wallMs: 300_000,
  cpuSeconds: 120,
  memoryBytes: 4096 * mebibyte,
  processes: 64,
  outputBytes: 128 * mebibyte,
  logBytes: mebibyte,
  together: { memoryBytes: 2048 * mebibyte, cpuSeconds: 300 },
};

/** What a source may hold. */
export const sourceLimits = {
  files: 10_000,
  fileBytes: 16 * mebibyte,
  totalBytes: 128 * mebibyte,
  archiveBytes: 64 * mebibyte,
  depth: 32,
  fetchMs: 300_000,
} as const;
