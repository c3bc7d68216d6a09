import type { NextFunction, Request, Response } from 'express';
import { DistributionError } from '../distribution-error';
import { Exchange } from './exchange';

const clientsMax = 10_000;

/** Middleware: each address may make so many requests a second, and twice as many at once after a pause. */
export function limitRate(perSecond: number, now: () => number = Date.now) {
  const clients = new Map<string, { tokens: number; at: number }>();
  const burst = 2 * perSecond;
  return (request: Request, response: Response, next: NextFunction): void => {
    const address = request.socket.remoteAddress ?? '';
    const at = now();
    const seen = clients.get(address) ?? { tokens: burst, at };
    const tokens = Math.min(burst, seen.tokens + ((at - seen.at) / 1000) * perSecond);
    // Deleted first, so that the map's order is the order of use and the first is the one to forget.
    clients.delete(address);
    clients.set(address, { tokens: Math.max(tokens - 1, 0), at });
    const [oldest] = clients.keys();
    if (clients.size > clientsMax && oldest !== undefined) clients.delete(oldest);
    if (tokens >= 1) return next();
    const refusal = new DistributionError(
      'TOOMANYREQUESTS',
      `at most ${perSecond} requests a second are answered`,
    );
    new Exchange(request, response).fail(refusal, { 'retry-after': '1' });
  };
}
