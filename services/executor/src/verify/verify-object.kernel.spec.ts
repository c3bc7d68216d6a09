import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ensureBpffs, l3afRoot, removeInstance } from '@l3af/kernel';
import { compileBpf } from '@l3af/testing';
import { packetTestsSchema, type PacketTest } from './packet-tests';
import { subjectInstance } from './sweep-subjects';
import { verifyObject } from './verify-object';

const source = `
const volatile int verdict = XDP_PASS;
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
SEC("xdp") int judge(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *count = bpf_map_lookup_elem(&seen, &key);
  if (count) *count += 1;
  return verdict;
}`;

const testsOf = (tests: unknown[]): PacketTest[] =>
  packetTestsSchema.parse({ apiVersion: 'l3af/v1', kind: 'PacketTests', tests }).tests;
const packet = [{ ipv4: {} }, { udp: {} }];
const pins = (): string[] => {
  const folder = '/sys/fs/bpf/l3af';
  return existsSync(folder)
    ? readdirSync(folder).filter((name) => name.includes(`verify-${process.pid}`))
    : [];
};

describe('verifyObject', () => {
  const object = compileBpf(source);
  afterEach(() => expect(pins()).toEqual([]));

  test('says what each form costs, and runs every test in both', async () => {
    const report = await verifyObject({
      object,
      tests: testsOf([
        { name: 'passes', packet, repeat: 3, verdict: 'pass', output: 'unchanged', maps: { seen: 3 } },
        { name: 'drops', config: { verdict: 1 }, packet, verdict: 'DROP' },
        { name: 'of the future', kernel: '99.0', packet, verdict: 'drop' },
      ]),
    });
    expect(report).toMatchObject({ ok: true, passed: 4, failed: 0, skipped: 2 });
    expect(report.programs).toMatchObject([
      { program: 'judge', hook: 'xdp', alone: { loaded: true }, chained: { loaded: true } },
    ]);
    expect(report.tests.map(({ form }) => form)).toEqual([
      'alone',
      'chained',
      'alone',
      'chained',
      'alone',
      'chained',
    ]);
  });

  test('removes what a killed verification left, and nothing of a running one', async () => {
    ensureBpffs();
    const { pid } = spawnSync('true');
    const [abandoned, running] = [pid, process.ppid].map((owner) =>
      join(l3afRoot, subjectInstance(owner, '0a0b0c0d')),
    ) as [string, string];
    for (const folder of [abandoned, running])
      mkdirSync(join(folder, 'verify/none/xdp'), { recursive: true });
    try {
      await verifyObject({ object, tests: [] });
      expect([abandoned, running].map((folder) => existsSync(folder))).toEqual([false, true]);
    } finally {
      removeInstance(basename(running));
    }
  });

  test('a test that fails says where', async () => {
    const report = await verifyObject({
      object,
      tests: testsOf([
        { name: 'verdict', packet, verdict: 'drop' },
        {
          name: 'map',
          steps: [
            { packet, verdict: 'pass' },
            { packet, verdict: 'pass', maps: { seen: 7 } },
          ],
        },
        { name: 'output', packet, verdict: 'pass', output: { hex: '00' } },
        { name: 'config', config: { verdicts: 1 }, packet, verdict: 'pass' },
      ]),
    });
    expect(report).toMatchObject({ ok: false, passed: 0, failed: 8 });
    const reasons = report.tests.filter(({ form }) => form === 'alone').map((test) => test.reasons.join());
    expect(reasons).toEqual([
      'verdict: is PASS, expected drop',
      'step 2: maps.seen: is "2", expected 7',
      expect.stringMatching(/^output: is 02000/),
      expect.stringContaining('config.verdicts'),
    ]);
  });

  test('a program that the verifier refuses comes with its reason', async () => {
    const refused = compileBpf(source.replace('return verdict', 'return *(__u8 *)(long)ctx->data'));
    const report = await verifyObject({ object: refused, tests: [] });
    expect(report.ok).toBe(false);
    expect(report.programs).toMatchObject([
      { alone: { loaded: false, error: { code: 'verifier-refused' } }, chained: { loaded: false } },
    ]);
  });

  test('what no chain could run is refused', async () => {
    await expect(verifyObject({ object, tests: [], program: 'absent' })).rejects.toThrow(
      /no absent for any hook of a chain in it, it has judge/,
    );
    await expect(verifyObject({ object, tests: [], hook: 'tc-egress' })).rejects.toMatchObject({
      code: 'unknown-program',
    });
  });
});
