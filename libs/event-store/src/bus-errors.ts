import { cannot, L3afError } from '@l3af/contracts';

interface NatsErrorShape {
  code?: string;
  message?: string;
  api_error?: { err_code: number; code: number; description: string };
}

const transientCodes = new Set([
  'TIMEOUT',
  '503',
  '408',
  'DISCONNECT',
  'CONNECTION_REFUSED',
  'CONNECTION_CLOSED',
  'CONNECTION_DRAINING',
  'CONNECTION_TIMEOUT',
]);
/** JetStream's codes for "no leader yet", "store still recovering", "insufficient resources": they pass. */
const transientApiCodes = new Set([10008, 10074, 10076, 10077]);
export const apiCodes = { wrongLastSequence: 10071, streamNotFound: 10059, streamNameInUse: 10058 } as const;

const shape = (error: unknown): NatsErrorShape => error ?? {};

export const apiCodeOf = (error: unknown): number | undefined => shape(error).api_error?.err_code;

/** True for errors that go away by themselves when NATS is back. */
export function isTransient(error: unknown): boolean {
  if (error instanceof L3afError) return error.code === 'bus-unavailable';
  const code = apiCodeOf(error);
  if (code !== undefined) return transientApiCodes.has(code);
  return transientCodes.has(shape(error).code ?? '');
}

export const isNotFound = (error: unknown): boolean => shape(error).code === '404';
export const isNoResponders = (error: unknown): boolean => shape(error).code === '503';
export const isTimeout = (error: unknown): boolean => shape(error).code === 'TIMEOUT';

/** What was being done, for the message: `{ verb: 'append to', noun: 'subject', value: 'l3af.evt…' }`. */
export interface Doing {
  verb: string;
  noun: string;
  value: string;
}

/** Turns what the NATS client throws into the house's errors; those pass as they are. */
export function busError(error: unknown, doing: Doing): L3afError {
  if (error instanceof L3afError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const text = (state: string): string => cannot(doing.verb, doing.noun, doing.value, state);
  if (apiCodeOf(error) === apiCodes.wrongLastSequence) {
    return new L3afError('conflict', text('someone else stored an event meanwhile'), { cause: error });
  }
  if (isTransient(error))
    return new L3afError('bus-unavailable', text('NATS does not answer'), { cause: error });
  return new L3afError('internal', text(message), { cause: error });
}
