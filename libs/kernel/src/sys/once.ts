let memory: Map<string, unknown> | undefined;

/**
 * Inside the body, which must be synchronous, what {@link once} names is read once: for looking at many hooks one after the other, as a
 * node does every few seconds. What changes meanwhile is not seen, so that nothing may be changed in it.
 */
export function lookingOnce<T>(body: () => T): T {
  const before = memory;
  memory ??= new Map();
  try {
    return body();
  } finally {
    memory = before;
  }
}

/** What `read` gives; inside {@link lookingOnce} what it gave under this name before. */
export function once<T>(name: string, read: () => T): T {
  if (memory === undefined) return read();
  if (!memory.has(name)) memory.set(name, read());
  return memory.get(name) as T;
}

/** True inside {@link lookingOnce}. */
export const isLookingOnce = (): boolean => memory !== undefined;
