import { hookSchema, L3afError, type ChainKey } from '@l3af/contracts';
import type { Request } from 'express';
import { z } from 'zod';
import { parseText, validate } from '../chain/document';
import { readContext, type RequestContext } from '../request-context';

/** A request of Express with the id under which it is known. */
export type ApiRequest = Request & { correlationId?: string };

/** Headers as {@link readContext} reads them. */
export const headerOf =
  (request: Request) =>
  (name: string): string | undefined => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };

export function contextOf(request: ApiRequest): RequestContext {
  const context = readContext(headerOf(request));
  return { ...context, correlationId: request.correlationId ?? context.correlationId };
}

/** The chain that the path names. Names are looked up later; only what could never be one is refused here. */
export function chainKeyOf(params: Record<string, string>): ChainKey {
  const hook = hookSchema.safeParse(params['hook']);
  if (!hook.success) {
    throw new L3afError(
      'unknown-hook',
      `Cannot use hook "${params['hook'] ?? ''}": needs xdp, tc-ingress or tc-egress`,
    );
  }
  return { node: params['node'] ?? '', interface: params['interface'] ?? '', hook: hook.data };
}

/** `If-Match: "7"` or `7`: the revision that the caller has seen; `*`: any, but there must be one. */
export function ifMatchOf(request: Request): number | 'any' | undefined {
  const text = request.headers['if-match'];
  if (text === undefined) return undefined;
  if (text.trim() === '*') return 'any';
  const match = /^(?:W\/)?"?(\d+)"?$/.exec(text.trim());
  if (match) return Number(match[1]);
  throw new L3afError('invalid-request', `Cannot use If-Match ${text}: needs a revision in double quotes`);
}

/** `true` for `?name`, `?name=true` and `?name=1`. */
export const flagSchema = z
  .enum(['', 'true', '1', 'false', '0'])
  .transform((text) => text !== 'false' && text !== '0');

export function readQuery<T extends z.ZodType>(request: Request, schema: T): z.output<T> {
  const parsed = schema.safeParse(request.query);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  throw new L3afError('invalid-request', `Cannot use the query of the request: ${issues}`);
}

/** The body, YAML or JSON, checked; errors name path and line. */
export function readBody<T extends z.ZodType>(request: Request, schema: T): z.output<T> {
  return validate(parseText(textOf(request), 'invalid-request'), schema, 'invalid-request');
}

/** The body as text. An empty body or one of another content type is refused. */
export function textOf(request: Request): string {
  if (typeof request.body === 'string') return request.body;
  const type = request.headers['content-type'] ?? 'no content type';
  throw new L3afError(
    'invalid-request',
    `Cannot read the body: it is empty or of ${type}, needs application/json or application/yaml`,
  );
}
