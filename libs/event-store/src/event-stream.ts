import { eventStream, L3afError } from '@l3af/contracts';
import {
  DiscardPolicy,
  nanos,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from 'nats';
import { apiCodeOf, apiCodes } from './bus-errors';

type Settings = Partial<StreamConfig> & { name: string };

const settings: Settings = {
  name: eventStream.name,
  subjects: [...eventStream.subjects],
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.New,
  allow_direct: eventStream.allowDirect,
  republish: { ...eventStream.republish },
  duplicate_window: nanos(eventStream.duplicateWindowMs),
  max_age: 0,
  max_msgs: -1,
  max_msgs_per_subject: -1,
};
/** What the server cannot change on a stream that has events. */
const fixed = ['storage', 'retention'] as const;

/**
 * Creates the event stream, or brings an existing one to our settings. Replicas, placement and size limits are the
 * operator's and left alone (the stream then refuses new events instead of forgetting old ones).
 */
export async function ensureStream(jsm: JetStreamManager, replicas = 1): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const existing = await find(jsm);
    try {
      if (!existing) await jsm.streams.add({ ...settings, num_replicas: replicas });
      else await adjust(jsm, existing);
      return;
    } catch (error) {
      // Two services that start together both try; the loser finds the winner's stream on its next look.
      if (apiCodeOf(error) !== apiCodes.streamNameInUse || attempt >= 3) throw error;
    }
  }
}

async function find(jsm: JetStreamManager): Promise<StreamConfig | undefined> {
  try {
    return (await jsm.streams.info(settings.name)).config;
  } catch (error) {
    if (apiCodeOf(error) === apiCodes.streamNotFound) return undefined;
    throw error;
  }
}

async function adjust(jsm: JetStreamManager, existing: StreamConfig): Promise<void> {
  const wrong = fixed.filter((key) => existing[key] !== settings[key]);
  if (wrong.length > 0) {
    const what = wrong
      .map((key) => `${key} is "${String(existing[key])}", needs "${String(settings[key])}"`)
      .join('; ');
    throw unsuitable(what);
  }
  if (existing.mirror || (existing.sources ?? []).length > 0)
    throw unsuitable('it is a mirror of another stream');
  const changed = Object.entries(settings).some(
    ([key, value]) => !same(existing[key as keyof StreamConfig], value),
  );
  if (!changed) return;
  try {
    await jsm.streams.update(settings.name, { ...existing, ...settings });
  } catch (error) {
    if (apiCodeOf(error) === undefined) throw error;
    throw unsuitable(`its settings differ and the server says: ${(error as Error).message}`, error);
  }
}

function same(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || left === null) return (left ?? 0) === (right ?? 0);
  const a = left as Record<string, unknown>;
  const b = (right ?? {}) as Record<string, unknown>;
  return Object.keys(b).every((key) => same(a[key], b[key]));
}

function unsuitable(state: string, cause?: unknown): L3afError {
  return new L3afError('bus-unsuitable', `Cannot use stream "${settings.name}": ${state}`, {
    cause,
    hint: 'Correct the stream with the nats tool, or move it away and let L3AF create its own',
  });
}
