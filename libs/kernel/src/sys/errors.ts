import { constants } from 'node:os';
import { cannot, L3afError, type ErrorCode } from '@l3af/contracts';

/** Numbers that bpf(2) returns and node does not name. */
const kernelOnly: Record<string, number> = { ENOTSUPP: 524, ESTALE: 116, EUCLEAN: 117 };
/** One number has two names in each of these pairs; the name that a reader looks for is the one kept. */
const secondNames = new Set(['EWOULDBLOCK', 'ENOTSUP']);
const names = new Map<number, string>(
  [...Object.entries(constants.errno), ...Object.entries(kernelOnly)]
    .filter(([name]) => !secondNames.has(name))
    .map(([name, value]) => [value, name]),
);

/** `ENOENT` for 2; numbers without a name stay numbers. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** A call into the kernel or libbpf that failed. Always the cause of an {@link L3afError} when it leaves this library. */
export class KernelCallError extends Error {
  override readonly name = 'KernelCallError';
  /** `EBUSY`, … */
  readonly errnoCode: string;

  // eslint-disable-next-line max-params -- three of them are the fact, the fourth is what the kernel added
  constructor(
    readonly call: string,
    readonly errno: number,
    readonly subject?: string,
    /** What the kernel said besides the number: a netlink extended acknowledgement, libbpf's messages. */
    readonly said?: string,
  ) {
    const about = subject === undefined ? '' : ` ${subject}`;
    super(`${call}${about}: ${errnoName(errno)}${said === undefined ? '' : ` (${said})`}`);
    this.errnoCode = errnoName(errno);
  }
}

/** True when `error` is a failed kernel call with one of these errno names. */
export function failedWith(error: unknown, ...codes: string[]): error is KernelCallError {
  return error instanceof KernelCallError && codes.includes(error.errnoCode);
}

/** The deepest failed kernel call of an error's causes. */
export function kernelCause(error: unknown): KernelCallError | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    if (current instanceof KernelCallError) return current;
    current = current.cause;
  }
  return undefined;
}

export interface Attempt {
  verb: string;
  noun: string;
  value: string;
  code?: ErrorCode;
}

/** Runs `body`; a failed kernel call becomes an {@link L3afError} that says what was attempted. */
export function attempt<T>(what: Attempt, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw asL3afError(what, error);
  }
}

/** Gives a failed kernel call the words of what was attempted; other errors pass unchanged. */
export function asL3afError(what: Attempt, error: unknown): unknown {
  if (!(error instanceof KernelCallError)) return error;
  return new L3afError(
    what.code ?? 'kernel-error',
    cannot(what.verb, what.noun, what.value, `${error.call} answered ${error.errnoCode}`),
    { cause: error, details: { call: error.call, errno: error.errnoCode } },
  );
}
