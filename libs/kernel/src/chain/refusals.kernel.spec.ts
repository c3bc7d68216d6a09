import { compileBpf, createVethPair } from '@l3af/testing';
import { loadGeneration, probeFeatures, removeInstance, swapTo } from '../index';
import { listFolder } from '../bpf/pin';
import { failedCallsCount } from '../features/kernel';
import { countingKf, hookFixture, kfLoad, xdpPass } from './chain-fixture';
import { hookFolder } from '../generation/paths';
import { requireTailCallBudget } from '../load/checks';
import { shapeOf } from '../glue/instructions';

describe('what cannot be chained says why', () => {
  const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }));
  afterAll(() => {
    removeInstance(target.instance);
    pair.stop();
  });
  const load = (source: string | Buffer, more = {}, hook = target.hook) =>
    loadGeneration(
      { ...target, hook },
      {
        generation: 1,
        metadata: '',
        kfs: [kfLoad('bad', typeof source === 'string' ? compileBpf(source) : source, more)],
      },
    );
  const refused = async (promise: Promise<unknown>, expected: object): Promise<void> => {
    await expect(promise).rejects.toMatchObject(expected);
    expect(listFolder(hookFolder(target))).toEqual([]);
  };

  test('a verifier refusal has the useful lines and the whole log', () =>
    refused(load('SEC("xdp") int kf(struct xdp_md *ctx) { return *(int *)(long)ctx->data; }'), {
      code: 'verifier-refused',
      message: expect.stringContaining('Cannot load KF "bad": the verifier says'),
      details: {
        kf: 'bad',
        lines: expect.any(Array),
        log: expect.stringContaining('invalid access to packet'),
      },
    }));
  test('a helper of another hook', () =>
    refused(load('SEC("xdp") int kf(struct xdp_md *ctx) { return bpf_skb_vlan_pop((void *)ctx); }'), {
      code: 'verifier-refused',
      message: expect.stringMatching(/helper bpf_skb_vlan_pop#19 is not allowed on xdp/),
    }));
  test('more stack than the glue leaves', () =>
    refused(
      load(`
        static __attribute__((noinline)) int deep(int n) { volatile char room[300] = {}; room[n & 255] = 1; return room[n & 127]; }
        SEC("xdp") int kf(struct xdp_md *ctx) { volatile char room[300] = {}; room[5] = 1; return deep(room[bpf_get_prandom_u32() & 255]) + 2; }`),
      { code: 'stack-limit', message: expect.stringMatching(/bytes of stack, needs at most 512/) },
    ));
  test('a program of another hook', () =>
    refused(load('SEC("tc") int kf(struct __sk_buff *ctx) { return 0; }'), {
      code: 'wrong-program-type',
      message: 'Cannot load KF "bad": program kf is in section tc, needs one for xdp',
    }));
  test('a function that the object does not have', () =>
    refused(load(countingKf(2), { program: 'other' }), {
      code: 'unknown-program',
      message: 'Cannot load KF "bad": no program other in it, it has kf',
    }));
  test('bytes that are no object', async () => {
    await refused(load(Buffer.from('not an object')), { code: 'invalid-object' });
    await refused(load(compileBpf(countingKf(2)).subarray(0, 900)), { code: 'invalid-object' });
  });
  test('a constant that does not exist, a map that does not exist', async () => {
    const constants = [{ section: '.rodata', offset: 0, bytes: Buffer.alloc(4) }];
    await refused(load(countingKf(2), { constants }), { code: 'invalid-config' });
    const writes = [{ map: 'none', key: Buffer.alloc(4), value: Buffer.alloc(4) }];
    await refused(load(countingKf(2), { writes }), { code: 'invalid-config' });
  });
  test('maps that the machine has no room for: the kernel would kill processes before it refuses them', () =>
    refused(
      load(`
        struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 0x7fffffff); __type(key, __u64); __type(value, __u64); } huge SEC(".maps");
        SEC("xdp") int kf(struct xdp_md *ctx) { __u64 key = 0; return bpf_map_lookup_elem(&huge, &key) ? 1 : 2; }`),
      { message: expect.stringMatching(/its maps take \d+ MiB, needs at most/), details: { map: 'huge' } },
    ));
  test('more than 34 KFs', () => {
    const kfs = Array.from({ length: 35 }, (_, index) =>
      kfLoad(`kf${index}`, compileBpf(countingKf(xdpPass))),
    );
    return refused(loadGeneration(target, { generation: 1, metadata: '', kfs }), { code: 'chain-too-long' });
  });
  test("KFs' own tail calls use up the budget: failing ones before Linux 6.12, succeeding ones always", () => {
    const call = Buffer.from('850000000c0000009500000000000000', 'hex');
    const shapes = (count: number, succeeds: boolean) =>
      Array.from({ length: count }, (_, index) => ({ name: String(index), shape: shapeOf(call), succeeds }));
    const [counting, free] = [
      { failedCallsCount: true, measured: false },
      { failedCallsCount: false, measured: false },
    ];
    expect(() => requireTailCallBudget(shapes(17, false), counting)).not.toThrow();
    expect(() => requireTailCallBudget(shapes(18, false), counting)).toThrow('35 with the chain');
    expect(() => requireTailCallBudget(shapes(18, false), free)).not.toThrow();
    expect(() => requireTailCallBudget(shapes(18, true), free)).toThrow('needs at most 33');
    expect(() => requireTailCallBudget(shapes(33, false), { ...free, measured: true })).not.toThrow();
    expect(() => requireTailCallBudget(shapes(34, false), { ...free, measured: true })).toThrow(
      'Cannot measure chain "34 KFs": measuring takes one tail call',
    );
    expect(typeof failedCallsCount()).toBe('boolean');
  });
  test('metadata over 64 KiB', () =>
    refused(loadGeneration(target, { generation: 1, metadata: 'x'.repeat(65 * 1024), kfs: [] }), {
      code: 'payload-too-large',
    }));
  test('a large MTU without xdp.frags', async () => {
    pair.run('node', 'ip', 'link', 'set', pair.name, 'mtu', '9000');
    pair.run('peer', 'ip', 'link', 'set', pair.peerName, 'mtu', '9000');
    await load(countingKf(2));
    expect(() => swapTo(target, 1)).toThrow(expect.objectContaining({ code: 'frags-mismatch' }));
    const withFrags = loadGeneration(target, {
      generation: 2,
      metadata: '',
      kfs: [kfLoad('big', compileBpf('SEC("xdp.frags") int kf(struct xdp_md *ctx) { return XDP_PASS; }'))],
    });
    if (probeFeatures().supported['xdp-frags'] !== true) {
      await expect(withFrags).rejects.toMatchObject({
        code: 'kernel-unsupported',
        message: expect.stringMatching(/xdp\.frags.*5\.18/),
      });
      return;
    }
    await withFrags;
    expect(swapTo(target, 2)).toMatchObject({ mode: 'native' });
  });
  test('an interface that is gone', () => {
    expect(() => swapTo({ ...target, ifindex: 4_000_000 }, 1)).toThrow(
      expect.objectContaining({ code: 'interface-gone' }),
    );
  });
});
