import { L3afError } from '@l3af/contracts';
import type { ErrorCode } from '@l3af/contracts';
import type { Request, Response } from 'express';
import { DistributionError, distributionErrors } from '../distribution-error';
import type { DistributionCode } from '../distribution-error';

/** One request and its response, with what handlers need of them. */
export class Exchange {
  private readonly url: URL;

  constructor(
    readonly request: Request,
    readonly response: Response,
  ) {
    this.url = new URL(request.url, 'http://registry');
  }

  get method(): string {
    return this.request.method;
  }
  get pathname(): string {
    return this.url.pathname;
  }

  query(name: string): string | undefined {
    return this.url.searchParams.get(name) ?? undefined;
  }
  queryAll(name: string): string[] {
    return this.url.searchParams.getAll(name);
  }
  header(name: string): string | undefined {
    return this.request.header(name);
  }

  /** The body as it comes; reads no faster than it is taken. Who stops early can still be answered. */
  get body(): AsyncIterable<Uint8Array> {
    return this.request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  }

  /** The whole body; throws SIZE_INVALID as soon as it is over the bound. */
  async read(bytesMax: number): Promise<Buffer> {
    const tooLarge = new DistributionError('SIZE_INVALID', `the body has at most ${bytesMax} bytes`);
    if (Number(this.header('content-length') ?? 0) > bytesMax) throw tooLarge;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.body) {
      size += chunk.length;
      if (size > bytesMax) throw tooLarge;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  send(status: number, headers: Record<string, string> = {}, body?: Uint8Array): void {
    // Without this, express would compare and compress what must go out as it is.
    this.response.writeHead(status, {
      ...headers,
      ...(body
        ? { 'content-length': String(body.length) }
        : status !== 204 && !headers['content-length'] && { 'content-length': '0' }),
    });
    this.response.end(body);
  }

  json(status: number, value: unknown, headers: Record<string, string> = {}): void {
    const body = Buffer.from(JSON.stringify(value), 'utf8');
    this.send(status, { 'content-type': 'application/json', ...headers }, body);
  }

  /** Answers with an error; when the answer is under way already, cuts it so that nobody takes it for whole. */
  fail(error: unknown, headers: Record<string, string> = {}): void {
    if (this.response.headersSent || this.response.destroyed) {
      this.response.destroy();
      return;
    }
    const { code, message, detail } = describe(error);
    const status = distributionErrors[code];
    // A long body that nobody will read is not worth keeping the connection for.
    const unread =
      !this.request.complete && Number(this.header('content-length') ?? Infinity) > drainBytesMax;
    this.json(
      status,
      { errors: [{ code, message, ...(detail !== undefined && { detail }) }] },
      { ...headers, ...(unread && { connection: 'close' }), ...(status === 503 && { 'retry-after': '2' }) },
    );
    // Node reads away what is left of a body only when nobody has begun to read it.
    this.request.resume();
  }
}

const drainBytesMax = 8 * 1024 * 1024;

/** The distribution API's code of the house's errors; the cause of any other stays in the log. */
const codes: Partial<Record<ErrorCode, DistributionCode>> = {
  conflict: 'DENIED',
  'version-exists': 'DENIED',
  'payload-too-large': 'SIZE_INVALID',
  'invalid-request': 'UNSUPPORTED',
  'bus-unavailable': 'UNAVAILABLE',
  'digest-mismatch': 'CONTENT_DAMAGED',
};

function describe(error: unknown): { code: DistributionCode; message: string; detail?: unknown } {
  if (error instanceof DistributionError) return error;
  if (!(error instanceof L3afError))
    return { code: 'UNKNOWN', message: 'the registry has failed; see its log' };
  return { code: codes[error.code] ?? 'UNKNOWN', message: error.message };
}

/** Whether a failure is the registry's, which its operator must hear of, and not the client's. */
export const isOurFault = (error: unknown): boolean => distributionErrors[describe(error).code] >= 500;
