import { startNats, type TestNats } from '@l3af/testing';
import request from 'supertest';
import type { RunningApi } from '../start';
import { openApi } from '../testing/control-plane';
import { operations } from './openapi';

let nats: TestNats;
let api: RunningApi;

beforeAll(async () => {
  nats = await startNats();
  api = await openApi({ natsUrl: nats.url });
});

afterAll(async () => {
  await api.close();
  await nats.stop();
});

type Json = { [key: string]: unknown };

const read = async (): Promise<Json> =>
  (await request(api.url).get('/openapi.json').expect(200)).body as Json;

test('every reference leads somewhere, and every operation is complete', async () => {
  const document = await read();
  expect(document['openapi']).toBe('3.1.0');
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
  for (const [, path] of references) {
    const target = path!.split('/').reduce<unknown>((at, part) => (at as Json | undefined)?.[part], document);
    expect([path, typeof target]).toEqual([path, 'object']);
  }
  const ids = operations.length;
  const seen = Object.values(document['paths'] as Json).flatMap(
    (path) => Object.values(path as Json) as Json[],
  );
  expect(new Set(seen.map((operation) => operation['operationId'])).size).toBe(ids);
  for (const operation of seen) {
    expect(operation['summary']).toBeTruthy();
    const inPath = (operation['parameters'] as Json[]).filter((parameter) => parameter['in'] === 'path');
    expect(inPath.every((parameter) => parameter['required'] === true)).toBe(true);
  }
});

test('the document tells every route, and no other', () => {
  const routes = api.routes().filter((route) => !/^GET \/(docs|openapi\.json)$/.test(route));
  const told = operations.map(({ method, path }) => {
    return `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`;
  });
  expect(told.sort()).toEqual(routes.sort());
});

test('the schemas are those that check requests', async () => {
  const { components } = await read();
  const { schemas } = components as { schemas: Record<string, Json> };
  expect(schemas['ChainDocument']).toMatchObject({
    required: ['apiVersion', 'kind', 'node', 'interface', 'hook', 'kfs'],
    additionalProperties: false,
    properties: { hook: { enum: ['xdp', 'tc-ingress', 'tc-egress'] } },
  });
  expect(schemas['Kf']).toMatchObject({ required: ['package'], properties: { enabled: { default: true } } });
  expect(Object.keys(schemas).filter((name) => name.startsWith('Inline'))).toEqual([]);
});

test('the page to read needs nothing from elsewhere', async () => {
  const { text, headers } = await request(api.url).get('/docs').expect(200);
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  expect(text).not.toMatch(/<script|(src|href)="(https?:)?\/\//);
  for (const { path } of operations) expect(text).toContain(path);
  expect(text).toContain('id="error-verifier-refused"');
});
