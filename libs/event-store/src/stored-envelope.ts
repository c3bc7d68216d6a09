import {
  envelopeSchema,
  L3afError,
  parseEvent,
  type Envelope,
  type ErrorOptions,
  type L3afEvent,
} from '@l3af/contracts';
import type { MsgHdrs } from 'nats';
import { traceparentOf } from './trace';

/** A decision as the stream holds it. */
export interface StoredEnvelope {
  /** Its place in the one total order. */
  sequence: number;
  subject: string;
  envelope: Envelope;
  /** The envelope's events in today's shapes. */
  events: L3afEvent[];
  traceparent?: string;
}

/** A message of the event stream before anyone has looked into it. */
export interface RawStored {
  sequence: number;
  subject: string;
  data: Uint8Array;
  headers: MsgHdrs | undefined;
}

const decoder = new TextDecoder();

/** Reads a stored message; throws `internal` with the sequence in its details when it cannot be understood. */
export function readStored(raw: RawStored): StoredEnvelope {
  const envelope = readEnvelope(raw);
  try {
    const events = envelope.events.map(parseEvent);
    const traceparent = traceparentOf(raw.headers);
    return {
      sequence: raw.sequence,
      subject: raw.subject,
      envelope,
      events,
      ...(traceparent !== undefined && { traceparent }),
    };
  } catch (cause) {
    throw unreadable(raw, cause);
  }
}

function readEnvelope(raw: RawStored): Envelope {
  try {
    return envelopeSchema.parse(JSON.parse(decoder.decode(raw.data)));
  } catch (cause) {
    throw unreadable(raw, cause);
  }
}

function unreadable(raw: RawStored, cause: unknown): L3afError {
  const options: ErrorOptions = { cause, details: { sequence: raw.sequence, subject: raw.subject } };
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof L3afError) options.hint = cause.hint;
  return new L3afError(
    'internal',
    `Cannot read event at sequence ${raw.sequence} of "${raw.subject}": ${reason}`,
    options,
  );
}
