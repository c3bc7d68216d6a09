import type { MapSchema, ValueType } from '@l3af/contracts';
import { type MigrationRequest, planMigration } from './migration';

const int = (bytes: number, signed = false): ValueType => ({ kind: 'int', bytes, signed });
const struct = (...fields: [string, number, ValueType][]): ValueType => ({
  kind: 'struct',
  bytes: fields.reduce((end, [, offset, type]) => Math.max(end, offset + type.bytes), 0),
  fields: fields.map(([name, offset, type]) => ({ name, offset, type })),
});
const map = (value: ValueType, name = 'stats'): MapSchema => ({
  name,
  type: 'hash',
  keyBytes: 4,
  valueBytes: value.bytes,
  entriesMax: 16,
  flags: 0,
  key: int(4),
  value,
});
const request = (
  from: ValueType,
  to: ValueType,
  document: Partial<MigrationRequest['document']> = {},
): MigrationRequest => ({
  kf: 'counter',
  from: map(from, 'old_stats'),
  to: map(to),
  document: { rename: {}, defaults: {}, ...document },
});

describe('planMigration()', () => {
  it('matches fields by name, widens, renames, and gives new ones their default', () => {
    const old = struct(['packets', 0, int(4)], ['last', 4, int(4, true)]);
    const next = struct(['last', 0, int(8, true)], ['seen', 8, int(4)], ['flags', 12, int(4)]);
    const plan = planMigration(request(old, next, { rename: { seen: 'packets' }, defaults: { flags: 7 } }));
    expect(plan).toMatchObject({
      map: 'stats',
      from: 'old_stats',
      key: [{ fromOffset: 0, fromBytes: 4, toOffset: 0, toBytes: 4 }],
      value: [
        { fromOffset: 4, fromBytes: 4, toOffset: 0, toBytes: 8, signed: true },
        { fromOffset: 0, fromBytes: 4, toOffset: 8, toBytes: 4 },
      ],
    });
    expect(Buffer.from(plan.defaults!).readUInt32LE(12)).toBe(7);
  });

  it('turns a plain number into a field of a struct', () => {
    const plan = planMigration(
      request(int(8), struct(['packets', 0, int(8)], ['bytes', 8, int(8)]), { rename: { packets: '' } }),
    );
    expect(plan.value).toEqual([{ fromOffset: 0, fromBytes: 8, toOffset: 0, toBytes: 8 }]);
  });

  it.each<[string, ValueType, ValueType, Partial<MigrationRequest['document']>, RegExp]>([
    ['narrows', struct(['n', 0, int(8)]), struct(['n', 0, int(4)]), {}, /has 4 bytes and had 8/],
    [
      'changes its kind',
      struct(['n', 0, int(4)]),
      struct(['n', 0, { kind: 'string', bytes: 4 }]),
      {},
      /was int of 4 bytes and is string/,
    ],
    [
      'defaults a field that is not there',
      struct(['n', 0, int(4)]),
      struct(['n', 0, int(4)]),
      { defaults: { x: 1 } },
      /no field x/,
    ],
  ])('refuses what %s', (_, ...[from, to, document, message]) => {
    expect(() => planMigration(request(from, to, document))).toThrow(message);
  });
});
