import { describeError, L3afError, toWireError } from '@l3af/contracts';
import type { ErrorCode } from '@l3af/contracts';
import { DistributionError, distributionErrors } from '../distribution-error';
import type { DistributionCode } from '../distribution-error';
import type { Exchange } from '../http/exchange';

/** The house's code of what the distribution API says in its own words; what is left out is a defect. */
const codes: Partial<Record<DistributionCode, ErrorCode>> = {
  BLOB_UNKNOWN: 'invalid-image',
  DENIED: 'conflict',
  DIGEST_INVALID: 'digest-mismatch',
  MANIFEST_BLOB_UNKNOWN: 'invalid-image',
  MANIFEST_INVALID: 'invalid-image',
  MANIFEST_UNKNOWN: 'unknown-version',
  NAME_INVALID: 'invalid-request',
  QUOTA_EXCEEDED: 'payload-too-large',
  SIZE_INVALID: 'payload-too-large',
  TAG_INVALID: 'invalid-request',
  TOOMANYREQUESTS: 'registry-unavailable',
  UNAVAILABLE: 'registry-unavailable',
  UNSUPPORTED: 'invalid-request',
};

/** Answers with problem details (RFC 9457) that have the house's stable code. */
export function sendProblem(exchange: Exchange, error: unknown): void {
  const wire = toWireError(inHouse(error));
  const status =
    error instanceof DistributionError ? distributionErrors[error.code] : describeError(wire.code).http;
  const body = { type: 'about:blank', title: wire.code, status, detail: wire.message, ...wire };
  exchange.json(status, body, { 'content-type': 'application/problem+json' });
  exchange.request.resume();
}

function inHouse(error: unknown): unknown {
  const code = error instanceof DistributionError ? codes[error.code] : undefined;
  return code === undefined ? error : new L3afError(code, (error as Error).message);
}
