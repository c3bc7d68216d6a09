import type { WireError } from '@l3af/contracts';
import { toStruct } from './values';

/** An error of a view as its message. */
export const errorMessage = (error: WireError): object => ({
  ...error,
  ...(error.details && { details: toStruct(error.details) }),
});
