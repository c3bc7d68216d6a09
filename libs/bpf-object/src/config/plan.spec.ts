import type { ConfigValue, MapSchema, ObjectSchema, ValueType } from '@l3af/contracts';
import { planConfig } from './plan';

const u32: ValueType = { kind: 'int', bytes: 4, signed: false, name: '__u32' };
const u64: ValueType = { kind: 'int', bytes: 8, signed: false, name: '__u64' };
const bytes16: ValueType = {
  kind: 'array',
  bytes: 16,
  length: 16,
  element: { kind: 'int', bytes: 1, signed: false, name: '__u8' },
};
const map = (name: string, type: string, more: Partial<MapSchema>): MapSchema => ({
  name,
  type,
  keyBytes: 4,
  valueBytes: more.value?.bytes ?? 4,
  entriesMax: 8,
  flags: 0,
  key: u32,
  value: u32,
  ...more,
});
const prefix: ValueType = {
  kind: 'struct',
  bytes: 20,
  fields: [
    { name: 'length', offset: 0, type: u32 },
    { name: 'addr', offset: 4, type: bytes16 },
  ],
};
const limit: ValueType = {
  kind: 'struct',
  bytes: 16,
  name: 'limit',
  fields: [
    { name: 'packets_per_second', offset: 0, type: u64 },
    { name: 'burst', offset: 8, type: u32 },
  ],
};
const action: ValueType = { kind: 'enum', bytes: 4, values: { ACTION_PASS: 0, ACTION_DROP: 1 } };
const schema: ObjectSchema = {
  programs: [],
  maps: [
    map('deny_sources', 'lpm_trie', { keyBytes: 20, key: prefix }),
    map('rate_limit', 'array', { value: limit, entriesMax: 1 }),
    map('ports', 'array', {}),
    map('by_address', 'hash', { value: u64 }),
    map('next_prog', 'prog_array', {}),
  ],
  constants: [
    { name: 'default_action', section: '.rodata', offset: 4, type: action },
    { name: 'ratio', section: '.rodata', offset: 8, type: { kind: 'int', bytes: 1, signed: true } },
  ],
};
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const writes = (config: { [name: string]: ConfigValue }): string[] =>
  planConfig(schema, config).writes.map(({ map: name, key, value }) => `${name} ${hex(key)} ${hex(value)}`);

describe('planConfig', () => {
  it('writes prefixes of both families into one trie', () => {
    expect(writes({ deny_sources: { '203.0.113.7/24': 1, '2001:db8::/32': '0x2', '10.0.0.1': 3 } })).toEqual([
      'deny_sources 7800000000000000000000000000ffffcb007100 01000000',
      'deny_sources 2000000020010db8000000000000000000000000 02000000',
      'deny_sources 8000000000000000000000000000ffff0a000001 03000000',
    ]);
  });

  it('takes the value of a map of one entry directly, or under its index', () => {
    const expected = ['rate_limit 00000000 e803000000000000c800000000000000'];
    expect(writes({ rate_limit: { packets_per_second: 1000, burst: 200 } })).toEqual(expected);
    expect(writes({ rate_limit: { '0': { packets_per_second: '1000', burst: 200 } } })).toEqual(expected);
  });

  it('takes an array or indices for a map of several', () => {
    expect(writes({ ports: [80, 443] })).toEqual(['ports 00000000 50000000', 'ports 01000000 bb010000']);
    expect(writes({ ports: { '7': 22 } })).toEqual(['ports 07000000 16000000']);
  });

  it('writes constants by name into their section', () => {
    for (const name of ['pass', 'PASS', 'ACTION_PASS', 'action_pass', 0]) {
      const [constant] = planConfig(schema, { default_action: name }).constants;
      expect(constant).toEqual({ section: '.rodata', offset: 4, bytes: Uint8Array.of(0, 0, 0, 0) });
    }
  });

  it('takes entries as pairs, for keys without a natural text', () => {
    expect(writes({ by_address: [{ key: '192.0.2.1', value: '18446744073709551615' }] })).toEqual([
      'by_address c0000201 ffffffffffffffff',
    ]);
  });

  const refusals: [string, { [name: string]: ConfigValue }, string][] = [
    [
      'a prefix that is none',
      { deny_sources: { '300.0.0.0/8': 1 } },
      'Cannot use config.deny_sources["300.0.0.0/8"]: is no prefix, needs a prefix such as 203.0.113.0/24 or 2001:db8::/32',
    ],
    [
      'a prefix too long',
      { deny_sources: { '10.0.0.0/33': 1 } },
      'config.deny_sources["10.0.0.0/33"]: is no prefix',
    ],
    [
      'a value out of range',
      { deny_sources: { '10.0.0.0/8': 4294967296 } },
      'config.deny_sources["10.0.0.0/8"]: 4294967296 is out of range, needs 0 to 4294967295',
    ],
    ['a negative value', { ratio: -129 }, 'config.ratio: -129 is out of range, needs -128 to 127'],
    ['a truth for a number', { ratio: true }, 'config.ratio: true is no integer, needs one from -128 to 127'],
    ['a fraction', { ratio: 1.5 }, 'config.ratio: 1.5 is no integer'],
    [
      'digits that JSON lost',
      { rate_limit: { packets_per_second: 2 ** 60 } },
      'config.rate_limit.packets_per_second: 1152921504606847000 is beyond 2^53, write it as text',
    ],
    [
      'an unknown map',
      { deny_source: {} },
      'config.deny_source: the KF has no map or constant of this name, did you mean "deny_sources"?',
    ],
    [
      'an unknown name far from all',
      { x: 1 },
      'known: default_action, ratio, deny_sources, rate_limit, ports, by_address',
    ],
    [
      'an unknown field',
      { rate_limit: { brust: 1 } },
      'config.rate_limit.brust: there is no such field, did you mean "burst"?',
    ],
    [
      'a number for a struct',
      { rate_limit: 5 },
      'config.rate_limit: 5 is no object, needs packets_per_second, burst',
    ],
    [
      'an unknown constant of an enum',
      { default_action: 'pas' },
      'config.default_action: "pas" is none of its values, did you mean "pass"?',
    ],
    ['a number outside the enum', { default_action: 9 }, 'config.default_action: 9 is none of its values'],
    [
      'too many entries',
      { ports: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
      'config.ports: has 9 entries, needs at most 8',
    ],
    ['an index out of range', { ports: { '8': 1 } }, 'config.ports["8"]: is out of range, needs 0 to 7'],
    ['an index that is none', { ports: { http: 1 } }, 'config.ports["http"]: "http" is no integer'],
    [
      'one key twice',
      { deny_sources: { '10.0.0.0/8': 1, '10.1.0.0/8': 2 } },
      'config.deny_sources["10.1.0.0/8"]: is the same key as config.deny_sources["10.0.0.0/8"]',
    ],
    [
      'a program array',
      { next_prog: { '0': 1 } },
      'config.next_prog: a map of type prog_array takes no configuration',
    ],
    [
      'a scalar for a hash',
      { by_address: 1 },
      'config.by_address: 1 is no set of entries, needs an object of key: value',
    ],
    [
      'a key that is no address',
      { by_address: { nonsense: 1 } },
      'config.by_address["nonsense"]: "nonsense" is not understood, needs an IPv4 address',
    ],
  ];
  it.each(refusals)('refuses %s', (_what, config, message) => {
    expect(() => planConfig(schema, config)).toThrow(
      expect.objectContaining({ code: 'invalid-config', message: expect.stringContaining(message) }),
    );
  });
});
