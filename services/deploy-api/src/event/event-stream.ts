import { once } from 'node:events';
import { toWireError } from '@l3af/contracts';
import type { Response } from 'express';

/** One server-sent event. `id` only for what the stream stores: it is what `Last-Event-ID` names. */
export interface StreamEvent {
  id?: number;
  event: string;
  data: unknown;
}

const keepAliveMs = 15_000;

/** A signal that is aborted when the caller goes away or the service stops. */
export function endOfStream(response: Response, stopped: AbortSignal): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, stopped]);
}

/**
 * Sends events as they come, at the pace of the reader, with a comment every 15 s that keeps proxies from closing
 * the connection. What goes wrong on the way is the last event, of type `error`.
 */
export async function sendEvents(
  response: Response,
  events: AsyncIterable<StreamEvent>,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.write('retry: 1000\n\n');
  const keepAlive = setInterval(() => response.write(': keep-alive\n\n'), keepAliveMs);
  try {
    for await (const event of events) {
      if (signal.aborted) break;
      if (!response.write(format(event))) await once(response, 'drain', { signal });
    }
  } catch (error) {
    if (!signal.aborted) response.write(format({ event: 'error', data: toWireError(error) }));
  } finally {
    clearInterval(keepAlive);
    response.end();
  }
}

function format({ id, event, data }: StreamEvent): string {
  const head = id === undefined ? '' : `id: ${id}\n`;
  return `${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
