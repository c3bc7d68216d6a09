import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeError,
  envelopeSchema,
  l3afEventSchema,
  parseEvent,
  rawEventSchema,
  type ErrorCode,
} from './index';

const folder = join(__dirname, '../golden');
const read = (path: string): unknown => JSON.parse(readFileSync(join(folder, path), 'utf8'));
const goldens = readdirSync(join(folder, 'events'));

test.each(goldens)('%s is read for ever, with nothing lost', (name) => {
  const raw = rawEventSchema.parse(read(join('events', name)));
  const event = parseEvent(raw);
  expect(name.startsWith(`${raw.type}.v${raw.version}.`)).toBe(true);
  expect(event.type).toBe(raw.type);
  // An event of the newest version comes out as it went in; older ones are upcast.
  if (event.version === raw.version) expect(event).toEqual(raw);
});

test('every event has a golden of its newest version', () => {
  const needed = l3afEventSchema.options.map(
    ({ shape }) => `${String(shape.type.value)}.v${String(shape.version.value)}.json`,
  );
  expect(goldens).toEqual(expect.arrayContaining(needed));
});

test('an event of a version that is not known is refused with its name and a way out', () => {
  const newer = { type: 'ChainCleared', version: 99, data: {} };
  expect(() => parseEvent(newer)).toThrow('Cannot read event "ChainCleared" version 99');
  expect(() => parseEvent({ type: 'Nonsense', version: 1, data: {} })).toThrow(
    'Cannot read event "Nonsense"',
  );
});

test('an envelope is read for ever', () => {
  const envelope = envelopeSchema.parse(read('envelope.json'));
  expect(envelope).toEqual(read('envelope.json'));
  expect(() => envelopeSchema.parse({ ...envelope, events: [] })).toThrow();
});

test('error codes never go away and never change their meaning', () => {
  const codes = read('error-codes.json') as Record<string, { http: number; grpc: string }>;
  for (const [code, meaning] of Object.entries(codes)) {
    expect([code, describeError(code as ErrorCode)]).toEqual([code, expect.objectContaining(meaning)]);
  }
});
