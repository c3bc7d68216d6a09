import type { DesiredKf, ObjectSchema } from '@l3af/contracts';
import { isAdjustable, mapWrites, removedEntries } from './adjust';

const schema: ObjectSchema = {
  programs: [],
  maps: [
    { name: 'deny', type: 'hash', keyBytes: 4, valueBytes: 4, entriesMax: 8, flags: 0 },
    { name: 'limit', type: 'array', keyBytes: 4, valueBytes: 4, entriesMax: 1, flags: 0 },
  ],
  constants: [
    { name: 'mode', section: '.rodata', offset: 0, type: { kind: 'int', bytes: 4, signed: false } },
  ],
};
const kf = (config: DesiredKf['config'], change: Partial<DesiredKf> = {}): DesiredKf => ({
  name: 'a',
  package: 'a',
  version: '1',
  digest: `sha256:${'0'.repeat(64)}`,
  program: 'a',
  enabled: true,
  proceedOn: ['PASS'],
  config,
  state: 'keep',
  ...change,
});
const bytes = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

describe('isAdjustable()', () => {
  it('says yes to switches and map configuration', () => {
    expect(isAdjustable(kf({ deny: { 1: 1 } }), kf({ deny: { 2: 1 } }, { enabled: false }), schema)).toBe(
      true,
    );
  });

  it.each([
    ['a constant', { mode: 1 }, {}],
    ['the version', {}, { digest: `sha256:${'1'.repeat(64)}` }],
    ['the entry function', {}, { program: 'b' }],
    ['the proceed-on set', {}, { proceedOn: ['PASS', 'TX'] }],
  ])('says no when %s changes', (_, config, change) => {
    expect(isAdjustable(kf({}), kf(config, change), schema)).toBe(false);
  });
});

describe('mapWrites()', () => {
  it('writes what is named and deletes what only the old configuration named', () => {
    expect(mapWrites(schema, { deny: { 1: 5, 2: 5 } }, { deny: { 2: 6, 3: 6 } })).toEqual([
      { map: 'deny', key: bytes(1), value: null },
      { map: 'deny', key: bytes(2), value: bytes(6) },
      { map: 'deny', key: bytes(3), value: bytes(6) },
    ]);
  });
});

describe('removedEntries()', () => {
  it('names the entries that a new generation must not carry over', () => {
    expect(removedEntries(schema, { deny: { 1: 5, 2: 5 }, limit: 9 }, { deny: { 2: 6 } })).toEqual([
      { map: 'deny', key: bytes(1) },
      { map: 'limit', key: bytes(0) },
    ]);
  });

  it('passes over what the new version does not know or reads otherwise', () => {
    expect(removedEntries(schema, { gone: { 1: 5 }, deny: { 'not a number': 1 }, mode: 2 }, {})).toEqual([]);
  });
});
