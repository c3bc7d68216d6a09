import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls until the condition gives something truthy, and returns it. The deadline is generous: it is there for tests
 * that fail, not for machines that are slow.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  description: string,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = Date.now() + (options.timeoutMs ?? 60_000);
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | null | undefined>;
      last = value;
    } catch (error) {
      last = error;
    }
    await delay(options.everyMs ?? 20);
  }
  throw new Error(`Cannot wait for ${description} any longer: last seen ${String(last)}`, {
    cause: last instanceof Error ? last : undefined,
  });
}
