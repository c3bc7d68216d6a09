import { type ChainAttach, type ChainKey, type DesiredKf } from '@l3af/contracts';
import { waitFor } from '@l3af/testing';
import { execFileSync } from 'node:child_process';
import { NodeFixture, Servers } from './testing/node-fixture';

/** Counts what it sees and leaves it to whoever comes next. */
const counting = (name: string): string => `
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
SEC("tc") int ${name}(struct __sk_buff *skb) {
  __u32 zero = 0;
  __u64 *count = bpf_map_lookup_elem(&seen, &zero);
  if (count) __sync_fetch_and_add(count, 1);
  return -1;
}`;

describe('a chain beside others on a TC hook', () => {
  let servers: Servers;
  let node: NodeFixture;
  let kf: DesiredKf;
  beforeAll(async () => (servers = await Servers.start()));
  afterAll(() => servers.stop());
  beforeEach(async () => {
    node = new NodeFixture(servers);
    kf = { ...(await node.publish('counter', counting('ours'))), proceedOn: ['UNSPEC'] };
    node.startExecutor();
  });
  afterEach(() => node.stop());

  const apply = async (key: ChainKey, attach: ChainAttach) =>
    node.reported(key, await node.desire(key, [kf], attach), 'ChainApplied');

  const ip = (...words: string[]): string => node.pair.run('node', 'ip', ...words);

  /** Names of the cls_bpf filters and tcx programs on the interface, as bpftool sees them. */
  const onHook = (name = node.pair.name): string[] => {
    const words = [`--net=${node.pair.netnsPath}`, 'bpftool', '-j', 'net', 'show', 'dev', name];
    const [{ tc }] = JSON.parse(execFileSync('nsenter', words, { encoding: 'utf8' })) as [
      { tc: { kind: string; name: string }[] },
    ];
    return tc.map(({ kind }) => kind);
  };

  it('goes onto cls_bpf where its document says so, and stays there', async () => {
    const key = node.chainKey('tc-ingress');
    expect((await apply(key, { tc: 'cls_bpf' })).data).toMatchObject({ mode: 'cls_bpf', warnings: [] });
    expect(onHook()).toHaveLength(1);
    const other = await apply(key, { tc: 'tcx' });
    expect(other.data.mode).toBe('cls_bpf');
    expect(other.data.warnings).toEqual([
      expect.stringMatching(/stays on cls_bpf; delete it and apply it again/),
    ]);
    kf = { ...kf, name: 'again' };
    expect((await apply(key, { tc: 'tcx' })).data.mode).toBe('cls_bpf');
    expect(onHook()).toHaveLength(1);
  });

  it('goes with its interface when that is renamed: let go under the old name, applied under the new one', async () => {
    const [before, after] = [node.chainKey('tc-ingress'), node.chainKey('tc-ingress', 'other0')];
    const waiting = await node.desire(after, [kf], { tc: 'cls_bpf' });
    expect((await node.reported(after, waiting, 'ChainRejected')).data.error.code).toBe('interface-gone');
    await apply(before, { tc: 'cls_bpf' });
    for (const words of ['down', 'name other0']) ip('link', 'set', node.pair.name, ...words.split(' '));
    const types = async (key: ChainKey) => (await node.reports(key)).map(({ type }) => type);
    await waitFor(async () => (await types(after)).includes('ChainApplied'), 'the chain of the new name');
    await waitFor(async () => (await types(before)).includes('ChainRejected'), 'the chain of the old name');
    expect((await node.reports(before)).at(-1)?.data).toMatchObject({ error: { code: 'interface-gone' } });
    expect(onHook('other0')).toHaveLength(1);
    ip('link', 'set', 'other0', 'name', node.pair.name);
    await waitFor(async () => (await types(before)).at(-1) === 'ChainApplied', 'the chain that came back');
    expect(onHook()).toHaveLength(1);
  });

  it('is refused with what is on the hook when its neighbour is not', async () => {
    const key = node.chainKey('tc-egress');
    const sequence = await node.desire(key, [kf], { position: { before: 'nobody' } });
    const { data } = await node.reported(key, sequence, 'ChainRejected');
    expect(data.error).toMatchObject({
      code: 'attach-failed',
      message: expect.stringContaining('its neighbour "nobody" is not on the hook, which has none'),
    });
    expect((await apply(key, { position: 'first' })).data).toMatchObject({ mode: 'tcx', warnings: [] });
  });
});
