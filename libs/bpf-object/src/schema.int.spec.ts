import { deriveSchema } from './schema';
import { staticReport } from './report';
import { compileStripped as compile } from '@l3af/testing';
import { sample } from './testing/sample';

describe.each(['bpfel', 'bpfeb'])('an object compiled for %s', (target) => {
  const bytes = compile(sample, { target });
  const schema = deriveSchema(bytes);
  const map = (name: string) => schema.maps.find((candidate) => candidate.name === name);

  it('lists entry functions with the types that their sections say', () => {
    expect(schema.programs).toEqual([
      { name: 'filter', section: 'xdp', type: 'xdp' },
      { name: 'filter_frags', section: 'xdp.frags', type: 'xdp', frags: true },
      { name: 'classify', section: 'tc', type: 'sched_cls' },
      { name: 'watch', section: 'tracepoint/sock/inet_sock_set_state', type: 'tracepoint' },
      { name: 'unknown', section: 'own_name', type: null },
    ]);
    expect(schema.license).toBe('Dual BSD/GPL');
  });

  it('describes maps with the types of keys and values', () => {
    expect(schema.maps.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'deny_sources lpm_trie',
      'rate_limit array',
      'rules hash',
      'flows lru_hash',
      'blocked_ips hash',
      'by_protocol percpu_array',
      'next_prog prog_array',
      'outer hash_of_maps',
      'ring ringbuf',
    ]);
    expect(map('deny_sources')).toMatchObject({ keyBytes: 20, valueBytes: 4, entriesMax: 1024, flags: 1 });
    expect(map('rules')).toMatchObject({ pinning: 'by-name', keyBytes: 4, valueBytes: 1 });
    expect(map('next_prog')).toMatchObject({ keyBytes: 4, valueBytes: 4, entriesMax: 1 });
    expect(map('outer')?.inner).toEqual({
      type: 'array',
      keyBytes: 4,
      valueBytes: 8,
      entriesMax: 8,
      flags: 0,
    });
    expect(map('rate_limit')?.value).toEqual({
      kind: 'struct',
      bytes: 16,
      name: 'limit',
      fields: [
        {
          name: 'packets_per_second',
          offset: 0,
          type: { kind: 'int', bytes: 8, signed: false, name: '__u64' },
        },
        { name: 'burst', offset: 8, type: { kind: 'int', bytes: 4, signed: false, name: '__u32' } },
        expect.objectContaining({ name: 'flag_a', offset: 12, bits: { offset: 0, size: 3 } }),
        expect.objectContaining({ name: 'flag_b', offset: 12, bits: { offset: 3, size: 5 } }),
      ],
    });
    const fields = map('flows')?.key?.kind === 'struct' ? map('flows')?.key : undefined;
    expect(fields).toMatchObject({
      fields: [
        { name: 'saddr' },
        { name: 'daddr' },
        { name: 'spi', offset: 8 },
        { name: 'sport', offset: 8 },
        { name: 'dport', offset: 10 },
      ],
    });
  });

  it('finds the constants that can be set before loading, and only those', () => {
    expect(schema.constants.map(({ name, section }) => `${section} ${name}`).sort()).toEqual([
      '.rodata default_action',
      '.rodata label',
      '.rodata thresholds',
      '.rodata verbose',
    ]);
    const action = schema.constants.find(({ name }) => name === 'default_action');
    expect(action?.type).toEqual({
      kind: 'enum',
      bytes: 4,
      name: 'action',
      values: { ACTION_PASS: 0, ACTION_DROP: 1, ACTION_COUNT_ONLY: 7 },
    });
    expect(schema.constants.find(({ name }) => name === 'label')?.type).toEqual({
      kind: 'string',
      bytes: 16,
    });
  });

  it('reports helpers, features and the first kernel that has them all', () => {
    const report = staticReport(bytes);
    expect(report.helpers.map(({ name }) => name)).toEqual([
      'map_lookup_elem',
      'tail_call',
      'ringbuf_output',
    ]);
    expect(report.byteOrder).toBe(target === 'bpfel' ? 'little' : 'big');
    expect(report.features).toContainEqual({ name: 'xdp.frags', kernel: '5.18' });
    expect(report.kernel).toBe('5.18');
    expect(report.instructions['tc']).toBe(2);
  });
});

const legacy = `
#include <linux/bpf.h>
#define SEC(NAME) __attribute__((section(NAME), used))
struct bpf_map_def { unsigned int type, key_size, value_size, max_entries, map_flags; };
struct bpf_map_def SEC("maps") rl_config = { BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0 };
struct bpf_map_def SEC("maps") rl_ports = { BPF_MAP_TYPE_HASH, 2, 1, 50, 0 };
struct ____btf_map_rl_ports { __u16 key; __u8 value; };
struct ____btf_map_rl_ports __attribute__((section(".maps.rl_ports"), used)) ____btf_map_rl_ports = {};
SEC("xdp_ratelimiting") int _xdp_ratelimiting(struct xdp_md *ctx) { return XDP_PASS; }
char _license[] SEC("license") = "GPL";
`;

describe('an object of the time before BTF', () => {
  it('describes the maps of a legacy section, with annotated types where there are any', () => {
    const schema = deriveSchema(compile(legacy));
    expect(schema.maps).toEqual([
      { name: 'rl_config', type: 'array', keyBytes: 4, valueBytes: 8, entriesMax: 1, flags: 0 },
      {
        name: 'rl_ports',
        type: 'hash',
        keyBytes: 2,
        valueBytes: 1,
        entriesMax: 50,
        flags: 0,
        key: { kind: 'int', bytes: 2, signed: false, name: '__u16' },
        value: { kind: 'int', bytes: 1, signed: false, name: '__u8' },
      },
    ]);
    expect(schema.programs).toEqual([{ name: '_xdp_ratelimiting', section: 'xdp_ratelimiting', type: null }]);
  });
});
