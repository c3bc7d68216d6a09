import { setTimeout as delay } from 'node:timers/promises';
import { buildConsumer, eventStream, type StatusView } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';

/** A builder asks for work again as soon as its last request for it has run out; between the two nobody waits. */
const gapMs = 100;

/** The builders, from the queue that they share; null when it is not there or does not answer. */
export async function readBuilders(bus: Bus): Promise<NonNullable<StatusView['builders']> | null> {
  const first = await readQueue(bus);
  if (!first || first.idle + first.busy > 0) return first;
  await delay(gapMs);
  return readQueue(bus);
}

async function readQueue(bus: Bus) {
  try {
    const manager = await bus.nc.jetstreamManager({ checkAPI: false, timeout: 2_000 });
    const info = await manager.consumers.info(eventStream.name, buildConsumer.durable);
    return { idle: info.num_waiting, busy: info.num_ack_pending, queued: info.num_pending };
  } catch {
    return null; // no builder was ever here, or NATS is away, which the status says anyway
  }
}
