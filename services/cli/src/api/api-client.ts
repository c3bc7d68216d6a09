import { setTimeout as delay } from 'node:timers/promises';
import { L3afError, cannot, describeError, fromWireError, wireErrorSchema } from '@l3af/contracts';
import { z } from 'zod';
import { problemOf } from './problem';
import { parseServerEvents, type ServerEvent } from './server-events';

export interface ApiRequest {
  method?: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Sent as JSON, except bytes, which go as they are with `contentType`. */
  body?: unknown;
  contentType?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface EventOptions {
  follow?: boolean;
  signal?: AbortSignal;
}

/** What a stream of events has come to, over several connections. */
interface Seen {
  connected: boolean;
  last?: string | undefined;
}

/** Speaks to deploy-api; every failure is an {@link L3afError} that a person can read. */
export class ApiClient {
  constructor(
    readonly url: string,
    private readonly actor: string,
  ) {}

  /** Asks and checks the answer. It is returned as it came: fields that this version does not know are kept. */
  async ask<T>(path: string, schema: z.ZodType<T>, request: ApiRequest = {}): Promise<T> {
    return this.checked(path, schema, await this.send(path, request));
  }

  /** As {@link ask}, with what `If-Match` of a change is to say. */
  async askTagged<T>(path: string, schema: z.ZodType<T>): Promise<{ value: T; etag: string | null }> {
    const response = await this.send(path, {});
    return { value: await this.checked(path, schema, response), etag: response.headers.get('etag') };
  }

  private async checked<T>(path: string, schema: z.ZodType<T>, response: Response): Promise<T> {
    const text = await response.text();
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch (cause) {
      throw this.unexpected(path, 'not JSON', cause);
    }
    const parsed = schema.safeParse(answer);
    if (parsed.success) return answer as T;
    throw this.unexpected(path, 'not as expected', new Error(z.prettifyError(parsed.error)));
  }

  async text(path: string): Promise<string> {
    return (await this.send(path, { headers: { accept: 'text/plain' } })).text();
  }

  /**
   * Follows a stream of server-sent events. A connection that breaks is made again with `Last-Event-ID`, so that
   * none is missed; the iteration ends when the server ends a stream that was not asked to `follow`, when it says
   * that nothing more will come, or by `signal`.
   */
  async *events(path: string, options: EventOptions = {}): AsyncGenerator<ServerEvent> {
    const { follow = true, signal } = options;
    const seen: Seen = { connected: false };
    while (!signal?.aborted) {
      const state = yield* this.eventsOnce(path, seen, { follow, ...(signal && { signal }) });
      if (state === 'over') return;
      // A server that is away, or ends each stream at once, must not be asked in a tight loop.
      await delay(reconnectMs, undefined, signal && { signal }).catch(() => undefined);
    }
  }

  /** One stream of server-sent events, which is not asked for again when it breaks: what it tells is not stored anywhere. */
  async *stream(path: string, request: ApiRequest): AsyncGenerator<ServerEvent> {
    const headers = { ...request.headers, accept: 'text/event-stream' };
    const response = await this.send(path, { ...request, headers });
    for await (const event of this.read(path, response)) {
      if (event.event === 'error') throw this.failureIn(path, event.data);
      yield event;
    }
  }

  /** One connection; tells whether another is worth making. */
  private async *eventsOnce(
    path: string,
    seen: Seen,
    { follow, signal }: EventOptions,
  ): AsyncGenerator<ServerEvent, 'over' | 'again'> {
    try {
      const response = await this.openEvents(path, seen.last, signal);
      seen.connected = true;
      if (response.status === 204) return 'over'; // nothing more will come
      for await (const event of this.read(path, response)) {
        seen.last = event.id ?? seen.last;
        if (event.event === 'error') throw this.failureIn(path, event.data);
        yield event;
      }
      return follow ? 'again' : 'over';
    } catch (error) {
      if (signal?.aborted) return 'over';
      if (follow && seen.connected && passing(error)) return 'again';
      throw error;
    }
  }

  private openEvents(path: string, last: string | undefined, signal: AbortSignal | undefined) {
    return this.send(path, {
      headers: { accept: 'text/event-stream', ...(last !== undefined && { 'last-event-id': last }) },
      ...(signal && { signal }),
    });
  }

  /** The server's last event when something went wrong on its side. */
  private failureIn(path: string, data: string): L3afError {
    try {
      return fromWireError(wireErrorSchema.parse(JSON.parse(data)));
    } catch (cause) {
      return this.unexpected(path, 'not as expected', cause);
    }
  }

  private async *read(path: string, response: Response): AsyncIterable<ServerEvent> {
    try {
      yield* parseServerEvents(response.body ?? new ReadableStream<Uint8Array>());
    } catch (cause) {
      const message = cannot('read', 'event stream', this.url + path, 'it broke off');
      throw new L3afError('api-unreachable', message, { cause });
    }
  }

  private async send(path: string, request: ApiRequest): Promise<Response> {
    const method = request.method ?? 'GET';
    const bytes = request.body instanceof Uint8Array;
    const body = bytes ? (request.body as Uint8Array) : request.body && JSON.stringify(request.body);
    let response: Response;
    try {
      response = await fetch(this.url + path, {
        method,
        headers: {
          accept: 'application/json',
          // Headers are ASCII, names are not.
          'x-l3af-actor': encodeURIComponent(this.actor),
          ...(body !== undefined && { 'content-type': request.contentType ?? 'application/json' }),
          ...request.headers,
        },
        ...(body !== undefined && { body: body as string | Uint8Array<ArrayBuffer> }),
        ...(request.signal && { signal: request.signal }),
      });
    } catch (error) {
      throw this.unreachable(error);
    }
    if (response.ok) return response;
    throw problemOf(`${method} ${path}`, response.status, await response.text().catch(() => ''));
  }

  private unreachable(error: unknown): L3afError {
    return new L3afError('api-unreachable', cannot('reach the', 'API', this.url, whyUnreachable(error)));
  }

  private unexpected(path: string, state: string, cause: unknown): L3afError {
    return new L3afError('internal', cannot('read', 'answer', this.url + path, state), {
      cause,
      hint: 'Check that the address is an L3AF API of this version',
    });
  }
}

const reconnectMs = 500;

/** True for what goes away by itself: the API or something behind it restarts. */
const passing = (error: unknown): boolean =>
  error instanceof L3afError && error.code !== 'internal' && describeError(error.code).http >= 500;

const reasons: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name does not resolve',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  ECONNRESET: 'connection reset',
  UND_ERR_SOCKET: 'connection closed',
  EHOSTUNREACH: 'host unreachable',
};

function whyUnreachable(error: unknown): string {
  let reason = String(error);
  for (let cause = error as NodeJS.ErrnoException | undefined; cause;) {
    if (typeof cause.code === 'string') return reasons[cause.code] ?? cause.code;
    reason = cause.message ?? reason;
    cause = cause.cause as NodeJS.ErrnoException | undefined;
  }
  return reason;
}
