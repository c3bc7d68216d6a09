import { cannot, L3afError } from '@l3af/contracts';
import type { ErrorCode } from '@l3af/contracts';
import { readBounded } from './body';

export interface Credentials {
  username: string;
  password: string;
}

export interface HttpRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** Statuses that the caller handles; any other throws. */
  expect: number[];
  /** What an unexpected 404 means. */
  missing?: ErrorCode;
}

const errorBytesMax = 64 * 1024;

/** The token service's answer to an anonymous or password request (the distribution project's token scheme). */
async function fetchToken(
  challenge: string,
  credentials: Credentials | undefined,
): Promise<string | undefined> {
  const fields = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1], match[2] ?? '']),
  );
  const realm = fields.get('realm');
  if (!challenge.toLowerCase().startsWith('bearer') || !realm) return undefined;
  const url = new URL(realm);
  for (const key of ['service', 'scope']) {
    const value = fields.get(key);
    if (value !== undefined) url.searchParams.set(key, value);
  }
  const response = await fetch(url, { headers: credentials ? { authorization: basic(credentials) } : {} });
  if (!response.ok) return undefined;
  const reply = JSON.parse(
    Buffer.from(await readBounded(response, errorBytesMax)).toString('utf8'),
  ) as Record<string, unknown>;
  const token = reply['token'] ?? reply['access_token'];
  return typeof token === 'string' ? token : undefined;
}

const basic = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** Sends requests to one registry: answers its token challenges and turns its failures into house errors. */
export class RegistryHttp {
  private readonly tokens = new Map<string, string>();

  constructor(
    readonly base: string,
    private readonly options: {
      credentials?: Credentials | undefined;
      timeoutMs: number;
      signal?: AbortSignal | undefined;
    },
  ) {}

  /** @param path absolute path, or a whole URL (a registry may send uploads elsewhere). */
  async send(path: string, request: HttpRequest): Promise<Response> {
    const url = new URL(path, this.base);
    const scope = `${url.pathname.replace(/\/(?:blobs|manifests|tags|referrers)\/.*$/, '')} ${request.method ?? 'GET'}`;
    let response = await this.once(url, request, this.tokens.get(scope));
    if (response.status === 401) {
      await response.body?.cancel();
      const token = await fetchToken(
        response.headers.get('www-authenticate') ?? '',
        this.options.credentials,
      );
      if (token !== undefined) this.tokens.set(scope, token);
      response = await this.once(url, request, token);
    }
    if (request.expect.includes(response.status)) return response;
    throw await this.failure(url, request, response);
  }

  private async once(url: URL, request: HttpRequest, token: string | undefined): Promise<Response> {
    const { credentials, timeoutMs, signal } = this.options;
    const sameOrigin = url.origin === new URL(this.base).origin;
    const authorization = token !== undefined ? `Bearer ${token}` : credentials && basic(credentials);
    try {
      return await fetch(url, {
        method: request.method ?? 'GET',
        headers: { ...request.headers, ...(authorization !== undefined && sameOrigin && { authorization }) },
        ...(request.body && { body: request.body as Uint8Array<ArrayBuffer> }),
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw new L3afError('registry-unavailable', cannot('reach', 'registry', this.base, 'no answer'), {
        cause,
      });
    }
  }

  private async failure(url: URL, request: HttpRequest, response: Response): Promise<L3afError> {
    const text = await readBounded(response, errorBytesMax).then(
      (bytes) => Buffer.from(bytes).toString('utf8'),
      () => '',
    );
    const message = cannot(
      request.method ?? 'GET',
      'registry path',
      url.pathname,
      `${response.status} ${text.trim().slice(0, 500)}`.trim(),
    );
    const code = text.includes('"CONTENT_DAMAGED"')
      ? 'digest-mismatch'
      : codeOf(response.status, request.missing);
    return new L3afError(code, message, {
      details: { status: response.status },
    });
  }
}

function codeOf(status: number, missing: ErrorCode | undefined): ErrorCode {
  if (status === 404) return missing ?? 'unknown-package';
  if (status === 409) return 'version-exists';
  if (status === 412) return 'conflict';
  if (status === 413) return 'payload-too-large';
  return status >= 500 || status === 429 ? 'registry-unavailable' : 'invalid-request';
}
