import { describeError, errorCodes, type ErrorCode } from '@l3af/contracts';
import type { z } from 'zod';
import { contextHeaders } from '../request-context';
import { chainOperations } from './chain-operations';
import type { Operation } from './operation';
import { otherOperations } from './other-operations';
import { componentsOf, nameOf } from './schemas';

export const operations: Operation[] = [...chainOperations, ...otherOperations];

type Json = Record<string, unknown>;

const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

/** The OpenAPI 3.1 document of the REST API, made from the schemas that check its requests. */
export function openApiDocument(): Json {
  const inline = new Map<z.ZodType, string>();
  for (const operation of operations) collect(operation, inline);
  const others = Object.fromEntries([...inline].map(([schema, name]) => [name, schema]));
  const schemas = componentsOf(others);
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = (paths[operation.path] ??= {});
    path[operation.method] = describe(operation, { schemas, inline });
  }
  // What is written out where it is used is no component.
  for (const name of inline.values()) delete schemas[name];
  return {
    openapi: '3.1.0',
    info: {
      title: 'L3AF deploy API',
      version: 'v1',
      summary: 'Kernel functions as a service: chains of eBPF programs on the hooks of many nodes',
      description:
        'Changes answer 202 with the revision, its sequence in the event stream and where to watch it. Errors are problem details (RFC 9457) with a stable `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: ['chains', 'nodes', 'packages', 'builds', 'events', 'health'].map((name) => ({ name })),
    paths,
    components: { schemas, parameters: headerParameters },
  };
}

const headerParameters: Json = {
  Actor: header(
    contextHeaders.actor,
    'Who asks, for the history; default: anonymous. May be percent-encoded',
  ),
  Reason: header(contextHeaders.reason, 'Why, for the history. May be percent-encoded'),
  CorrelationId: header(
    contextHeaders.correlationId,
    'Found again in events, logs and errors; default: a new one',
  ),
  IfMatch: header(
    'if-match',
    'The revision that the caller has seen, in double quotes; another one is a conflict',
  ),
};

function header(name: string, description: string): Json {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } };
}

function collect(operation: Operation, inline: Map<z.ZodType, string>): void {
  const { query, body, answer } = operation;
  for (const schema of [query, body?.schema, answer]) {
    if (schema === undefined || typeof schema === 'string') continue;
    if (nameOf(schema) === undefined && !inline.has(schema)) inline.set(schema, `Inline${inline.size}`);
  }
}

interface Known {
  schemas: Record<string, Json>;
  inline: Map<z.ZodType, string>;
}

function schemaOf(schema: z.ZodType, { schemas, inline }: Known): Json {
  const name = nameOf(schema);
  return name === undefined ? schemas[inline.get(schema)!]! : reference(name);
}

function describe(operation: Operation, known: Known): Json {
  const { summary, description, tag, body, answer, status = 200 } = operation;
  const content =
    typeof answer === 'string'
      ? { [answer]: { schema: { type: 'string' } } }
      : { 'application/json': { schema: schemaOf(answer, known) } };
  return {
    operationId: operationIdOf(operation),
    summary,
    ...(description !== undefined && { description }),
    tags: [tag],
    parameters: parametersOf(operation, known),
    ...(body && { requestBody: bodyOf(body, known) }),
    responses: {
      [status]: { description: status === 202 ? 'Stored' : 'The answer', content },
      ...refusalsOf(operation),
    },
  };
}

function operationIdOf({ method, path }: Operation): string {
  const words = path
    .replace(/^\/v1/, '')
    .split(/[/{}]+/)
    .filter(Boolean);
  return [method, ...words]
    .map((word, at) => (at === 0 ? word : word[0]!.toUpperCase() + word.slice(1)))
    .join('');
}

function parametersOf({ path, query, change }: Operation, known: Known): Json[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema:
      name === 'hook' ? { type: 'string', enum: ['xdp', 'tc-ingress', 'tc-egress'] } : { type: 'string' },
  }));
  const properties = (query ? schemaOf(query, known)['properties'] : {}) as Record<string, Json>;
  const inQuery = Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    ...(description !== undefined && { description }),
    schema,
  }));
  const names = change ? ['Actor', 'Reason', 'CorrelationId', 'IfMatch'] : ['CorrelationId'];
  return [...inPath, ...inQuery, ...names.map((name) => ({ $ref: `#/components/parameters/${name}` }))];
}

function bodyOf({ schema, other = {} }: NonNullable<Operation['body']>, known: Known): Json {
  const content: Record<string, Json> = {};
  if (schema) {
    for (const type of ['application/json', 'application/yaml'])
      content[type] = { schema: schemaOf(schema, known) };
  }
  for (const [type, description] of Object.entries(other)) {
    content[type] = { schema: { type: 'string', format: 'binary', description } };
  }
  return { required: true, content };
}

function refusalsOf({ errors = [], tag }: Operation): Record<string, Json> {
  const everywhere =
    tag === 'health' ? [] : ['invalid-request', 'bus-unavailable', 'store-unavailable', 'internal'];
  const byStatus = new Map<number, string[]>();
  for (const code of [...errors, ...everywhere]) {
    if (!errorCodes.includes(code as ErrorCode)) throw new Error(`"${code}" is not in the error catalogue`);
    const { http } = describeError(code as ErrorCode);
    byStatus.set(http, [...(byStatus.get(http) ?? []), code]);
  }
  const content = { 'application/problem+json': { schema: reference('Problem') } };
  return Object.fromEntries(
    [...byStatus].map(([http, codes]) => [http, { description: codes.join(', '), content }]),
  );
}
