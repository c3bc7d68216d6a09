import type { Bus, StoredEnvelope } from '@l3af/event-store';

export type Mixed = { kind: 'stored'; stored: StoredEnvelope } | { kind: 'live'; data: unknown };

export interface MixOptions {
  subject: string;
  /** Tells live messages, first those that came already; returns what ends it. */
  listen: (hear: (data: unknown) => void) => () => void;
  fromSequence: number;
  signal: AbortSignal;
}

/** What a slow reader may leave waiting; live messages beyond it are dropped, stored ones never. */
const waitingMax = 1_000;

/** Follows a stored subject and live messages together, each item as it comes, until the signal. */
export async function* mergeWithLive(bus: Bus, options: MixOptions): AsyncGenerator<Mixed> {
  const { listen, ...stored } = options;
  const waiting: Mixed[] = [];
  let state: { error?: Error } | undefined;
  let wake: () => void = () => undefined;
  const push = (item: Mixed): void => {
    if (item.kind === 'live' && waiting.length >= waitingMax) return;
    waiting.push(item);
    wake();
  };
  const stop = listen((data) => push({ kind: 'live', data }));
  const following = (async () => {
    for await (const item of bus.store.follow(stored)) push({ kind: 'stored', stored: item });
  })().then(
    () => (state = {}),
    (error: unknown) => (state = { error: error instanceof Error ? error : new Error(String(error)) }),
  );
  void following.then(() => wake());
  try {
    for (;;) {
      yield* waiting.splice(0);
      if (state) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (waiting.length > 0 || state) resolve();
      });
    }
    if (state.error) throw state.error;
  } finally {
    stop();
  }
}
