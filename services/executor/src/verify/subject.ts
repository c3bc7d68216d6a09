import type { Hook } from '@l3af/contracts';

/** What comes out of one packet. */
export interface PacketRun {
  /** The kernel's number. */
  verdict: number;
  output: Uint8Array;
  nanoseconds: number;
}

/** A map of a loaded program: bytes in, bytes out. */
export interface SubjectMap {
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array): void;
}

/** A loaded program that packets can be run through: on its own, or behind the glue of a chain of one. */
export interface Subject {
  /** In a chain, a verdict that proceeds comes out as the chain's end. */
  readonly form: 'alone' | 'chained';
  readonly hook: Hook;
  /** Alone: the descriptor of the program. */
  readonly fd?: number;
  /** Chained: how the KF is glued. */
  readonly glue?: string | undefined;
  run(packet: Uint8Array, repeat?: number): PacketRun;
  map(name: string): SubjectMap;
  close(): void;
}
