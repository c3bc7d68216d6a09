import { compileBpf, createVethPair } from '@l3af/testing';
import { detach, loadGeneration, openKfMap, removeGeneration, removeInstance, swapTo } from '../index';
import { mapInfo, type KernelMap } from '../bpf/map';
import { openPin } from '../bpf/pin';
import { listFolder } from '../bpf/pin';
import { sharedMapsFolder } from '../generation/paths';
import { definitionDiffers } from '../load/reuse';
import type { GenerationLoad, KfLoad } from '../types';
import { closeSync } from 'node:fs';
import { hookFixture, kfLoad, u32, u64 } from './chain-fixture';

const withMap = (definition: string, more = ''): Buffer =>
  compileBpf(`
    struct value { __u32 a; __u32 b; };
    struct wide { __u64 a; __u32 b; __u32 c; };
    struct { ${definition} } state SEC(".maps");
    ${more}
    SEC("xdp") int kf(struct xdp_md *ctx) { __u32 key = 1; return bpf_map_lookup_elem(&state, &key) ? XDP_PASS : XDP_PASS; }`);
const hash = (value = '__u64', entries = 8, key = '__u32'): string =>
  `__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, ${entries}); __type(key, ${key}); __type(value, ${value});`;
const pair = (a: number, b: number): Buffer => Buffer.concat([u32(a), u32(b)]);

describe('map state over generations', () => {
  const { pair: veth, target } = hookFixture(createVethPair({ prefix: 'l3afk' }));
  afterAll(() => {
    removeInstance(target.instance);
    veth.stop();
  });
  let generation = 0;
  const load = (kf: Partial<KfLoad> & { object: Buffer }, more: Partial<GenerationLoad> = {}) =>
    loadGeneration(target, {
      generation: ++generation,
      metadata: '',
      kfs: [kfLoad('kf', kf.object, kf)],
      ...more,
    });
  const live = async (kf: Partial<KfLoad> & { object: Buffer }) => {
    const loaded = await load(kf);
    swapTo(target, generation);
    return loaded.kfs[0];
  };
  const open = (at = generation, map = 'state') => openKfMap(target, at, { kf: 'kf', map });
  const put = (key: Buffer, value: Buffer): void => {
    using map = open();
    map.update(key, value);
  };
  const get = (key: Buffer, at = generation): Buffer | undefined => {
    using map = open(at);
    const value = map.lookup(key);
    return value && Buffer.from(value);
  };

  test('is kept where definitions match, started anew when asked', async () => {
    await live({ object: withMap(hash()) });
    put(u32(1), u64(77));
    expect(await live({ object: withMap(hash(), 'int unused;') })).toMatchObject({ reusedMaps: ['state'] });
    expect(get(u32(1))).toEqual(u64(77));
    expect(await live({ object: withMap(hash()), state: 'fresh' })).toMatchObject({
      reusedMaps: [],
      carriedMaps: [],
    });
    expect(get(u32(1))).toBeUndefined();
  });

  test.each([
    ['type', hash().replace('_HASH', '_LRU_HASH'), 'its BTF'],
    ['size', hash('__u64', 16), 'its BTF'],
    ['key size', hash('__u64', 8, '__u64'), 'its BTF'],
    ['value size', hash('__u32'), 'its BTF'],
    ['flags', `${hash()} __uint(map_flags, BPF_F_NO_PREALLOC);`, 'its BTF'],
    ['BTF, with the same sizes', hash('struct value'), 'its BTF'],
  ])('is refused when the %s differs, and nothing is left', async (_what, definition, difference) => {
    await live({ object: withMap(hash()), state: 'fresh' });
    const before = generation;
    await expect(load({ object: withMap(definition) })).rejects.toMatchObject({
      code: 'state-mismatch',
      details: { kf: 'kf', map: 'state', difference },
    });
    expect(() => open(generation)).toThrow('it is not loaded');
    generation = before;
  });

  test('libbpf alone adopts a map whose definition differs; we compare with the kernel, too', async () => {
    await live({ object: withMap(hash()), state: 'fresh' });
    using map = open() as KernelMap;
    const same = {
      name: 'state',
      type: 1,
      keyBytes: 4,
      valueBytes: 8,
      entriesMax: 8,
      flags: 0,
      pinnedByName: false,
    };
    expect(definitionDiffers(same, map)).toBeUndefined();
    expect(definitionDiffers({ ...same, type: 2 }, map)).toContain('type');
    expect(definitionDiffers({ ...same, entriesMax: 4096 }, map)).toContain('4096');
    expect(definitionDiffers({ ...same, flags: 1 }, map)).toContain('flags');
  });

  test('is migrated field by field when the document says how', async () => {
    await live({ object: withMap(hash('struct value')), state: 'fresh' });
    put(u32(1), pair(5, 0xffff_fffe));
    const migrations = [
      {
        map: 'state',
        value: [
          { fromOffset: 0, fromBytes: 4, toOffset: 8, toBytes: 4 },
          { fromOffset: 4, fromBytes: 4, toOffset: 0, toBytes: 8, signed: true },
        ],
        defaults: Buffer.concat([u64(0), u32(0), u32(9)]),
      },
    ];
    expect(await live({ object: withMap(hash('struct wide')), migrations })).toMatchObject({
      carriedMaps: ['state'],
    });
    expect(get(u32(1))).toEqual(Buffer.concat([u64(0xffff_ffff_ffff_fffen), u32(5), u32(9)]));
  });

  test('configuration that changes is written to a copy, so that the live chain and a rollback keep theirs', async () => {
    const object = withMap(hash());
    const write = (value: number) => [{ map: 'state', key: u32(1), value: u64(value) }];
    await live({ object, state: 'fresh', writes: write(1) });
    put(u32(2), u64(22));
    const first = generation;
    expect(await live({ object, writes: write(1) })).toMatchObject({ reusedMaps: ['state'] });
    const loaded = await load({ object, writes: write(3), removes: [{ map: 'state', key: u32(9) }] });
    expect(loaded.kfs[0]).toMatchObject({ reusedMaps: [], carriedMaps: ['state'] });
    expect([get(u32(1)), get(u32(2))]).toEqual([u64(3), u64(22)]);
    expect(get(u32(1), first)).toEqual(u64(1));
    swapTo(target, generation);
    swapTo(target, first);
    expect(get(u32(1), first)).toEqual(u64(1));
  });

  test('global data is kept while its variables are the same', async () => {
    const globals = (text: string): Buffer =>
      compileBpf(`${text} SEC("xdp") int kf(struct xdp_md *ctx) { total += step; return XDP_PASS; }`);
    const object = globals('__u64 total; __u32 step = 2;');
    await live({ object, state: 'fresh' });
    using bss = open(generation, '.bss');
    bss.update(u32(0), u64(1234));
    expect((await live({ object }))?.reusedMaps.sort()).toEqual(['.bss', '.data']);
    const changed = await load({ object: globals('__u64 total; __u64 extra; __u32 step = 2;') });
    expect(changed.kfs[0]?.reusedMaps).toEqual(expect.arrayContaining(['.data']));
  });

  test('maps pinned by name are shared within the node and go with their last user', async () => {
    const object = withMap(`${hash()} __uint(pinning, LIBBPF_PIN_BY_NAME);`);
    await loadGeneration(target, {
      generation: ++generation,
      metadata: '',
      kfs: [kfLoad('one', object), kfLoad('two', object)],
      reuseFrom: null,
    });
    const ids = ['one', 'two'].map((kf) => openKfMap(target, generation, { kf, map: 'state' }).info.id);
    expect(ids[0]).toBe(ids[1]);
    expect(listFolder(sharedMapsFolder(target)).map(({ name }) => name)).toEqual(['state']);
    expect(listFolder('/sys/fs/bpf').map(({ name }) => name)).not.toContain('state');
    const fd = openPin(`${sharedMapsFolder(target)}/state`) ?? -1;
    expect(mapInfo(fd).id).toBe(ids[0]);
    closeSync(fd);
    removeGeneration(target, generation);
    expect(listFolder(sharedMapsFolder(target))).toEqual([]);
    detach(target);
  });
});
