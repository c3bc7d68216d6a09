import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { cannot, type ChainKey, L3afError, type NodeReply } from '@l3af/contracts';
import { parseMatch } from '@l3af/kernel';
import type { Logger } from '../logger';
import type { Measuring } from '../chain/measuring';
import { LiveSession, type SessionLimits } from './live-session';

export interface LiveRequest extends SessionLimits {
  key: ChainKey;
  match: string;
}

/** For how long the last answer of a session that is over may be asked for. */
const rememberedMs = 10_000;

/** Explains live packets: one session for each caller, each on a watched generation of its chain. */
export class LiveExplain {
  private readonly sessions = new Map<string, LiveSession>();

  constructor(
    private readonly measuring: Measuring,
    private readonly log: Logger,
  ) {}

  /** Resolves when packets are being recorded. Throws `invalid-match`, `unknown-chain`, `conflict`, and what a load may say. */
  async start({ key, match, ...limits }: LiveRequest): Promise<NodeReply<'explain-start'>> {
    parseMatch(match);
    const session = new LiveSession(limits);
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      const run = this.measuring.run(key, { watch: { match, packets: limits.count } }, (measured, signal) => {
        this.sessions.set(id, session);
        const { generation, applied } = measured;
        resolve({ session: id, revision: applied.revision, generation });
        return session.collect(measured, signal);
      });
      run
        .catch((thrown: unknown) => {
          const error = thrown instanceof Error ? thrown : new Error(String(thrown));
          if (this.sessions.has(id))
            this.log.error({ err: error, key }, 'live packets are no longer explained');
          session.fail(error);
          reject(error);
        })
        .finally(() => void this.forget(id));
    });
  }

  next(id: string): Promise<NodeReply<'explain-next'>> {
    return this.session(id).next();
  }

  stop(id: string): NodeReply<'explain-stop'> {
    this.sessions.get(id)?.stop();
    return {};
  }

  private session(id: string): LiveSession {
    const found = this.sessions.get(id);
    if (found) return found;
    const state = 'there is none of this name, or it is over';
    throw new L3afError('invalid-request', cannot('continue', 'session', id, state));
  }

  private async forget(id: string): Promise<void> {
    await delay(rememberedMs, undefined, { ref: false });
    this.sessions.delete(id);
  }
}
