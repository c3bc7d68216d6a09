import type { VerifiedStatement } from '@l3af/contracts';

/** A file of packet tests, by its path in the source. */
export interface TestFile {
  path: string;
  bytes: Uint8Array;
}

/** An object that a kernel is to load, alone and chained, and to run packets through. */
export interface Subject {
  object: Uint8Array;
  tests: readonly TestFile[];
  signal: AbortSignal;
  /** True when it was asked about before without an answer: whatever it is, it must not take others with it. */
  apart?: boolean | undefined;
}

/** A kernel that can be asked: this machine's own, or one that a virtual machine boots. */
export interface Kernel {
  /** Names the queue that builders with this kernel share. */
  readonly name: string;
  /** How many it is asked about at once. */
  readonly lanes: number;
  /** Whether a release, as statements have it, or a series, as requests do, is this kernel's. */
  is(release: string): boolean;
  verify(subject: Subject): Promise<VerifiedStatement>;
}

/** Keeps the verifier's whole log of a refusal and says its digest. */
export type KeepLog = (text: string) => Promise<string>;

const goArchitectures: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  s390x: 's390x',
};

/** GOARCH name of this machine, and of those that it boots. */
export const ownArchitecture = goArchitectures[process.arch] ?? process.arch;
