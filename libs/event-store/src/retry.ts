import { setTimeout as delay } from 'node:timers/promises';
import { busError, isTransient, type Doing } from './bus-errors';
import type { Link } from './link';

/** How long an operation keeps trying while NATS is away before it fails with `bus-unavailable`. */
export const patienceMsDefault = 5_000;

/**
 * Runs a NATS request that may be repeated; outages are waited out and the request repeated, until `timeoutMs` is over.
 * `attempt` gets the milliseconds that one try may take.
 */
export async function withPatience<T>(
  link: Link,
  doing: Doing & { timeoutMs?: number | undefined },
  attempt: (timeoutMs: number) => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + (doing.timeoutMs ?? patienceMsDefault);
  for (;;) {
    try {
      await link.connected({ deadline });
      return await attempt(Math.max(250, Math.min(2_000, deadline - Date.now())));
    } catch (error) {
      if (!isTransient(error) || Date.now() >= deadline) throw busError(error, doing);
      await delay(100);
    }
  }
}
