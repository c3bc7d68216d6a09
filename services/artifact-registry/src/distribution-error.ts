/** The error codes of the OCI distribution specification, with the HTTP status each is sent with. */
export const distributionErrors = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 413,
  TAG_INVALID: 400,
  RANGE_INVALID: 416,
  PRECONDITION_FAILED: 412,
  UNSUPPORTED: 405,
  DENIED: 409,
  QUOTA_EXCEEDED: 413,
  TOOMANYREQUESTS: 429,
  UNAVAILABLE: 503,
  UNKNOWN: 500,
  /** Ours: what is stored is not what its digest says. */
  CONTENT_DAMAGED: 500,
} as const;
export type DistributionCode = keyof typeof distributionErrors;

/** A refusal in the words of the distribution specification. */
export class DistributionError extends Error {
  override readonly name = 'DistributionError';

  constructor(
    readonly code: DistributionCode,
    message: string,
    readonly detail?: unknown,
  ) {
    super(message);
  }
}
