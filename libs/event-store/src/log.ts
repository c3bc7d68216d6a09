import { inspect } from 'node:util';

/** Where the bus says what happens to it; a pino logger fits. */
export interface BusLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Used when no log is given: nothing of note, but what goes wrong becomes a process warning. */
export const warningLog: BusLog = {
  info: () => undefined,
  warn: (fields, message) => process.emitWarning(message, { detail: inspect(fields) }),
  error: (fields, message) => process.emitWarning(message, { detail: inspect(fields) }),
};
