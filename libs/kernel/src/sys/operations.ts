/**
 * Every change that outlives a process (pins, links, filters, entries of the live program array) is announced here
 * after the kernel made it. Tests kill the process at each of them in turn; nothing else listens.
 */
type OperationHook = (operation: string) => void;

let hook: OperationHook | undefined;

/** Sets or (with undefined) removes the listener; returns the one before. */
export function onKernelOperation(next: OperationHook | undefined): OperationHook | undefined {
  const before = hook;
  hook = next;
  return before;
}

export function operationDone(operation: string): void {
  hook?.(operation);
}

/** Runs a probe, which leaves nothing behind and is run once a process: what it does is not announced. */
export function unannounced<T>(probe: () => T): T {
  const before = onKernelOperation(undefined);
  try {
    return probe();
  } finally {
    onKernelOperation(before);
  }
}
