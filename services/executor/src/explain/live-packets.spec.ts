import type { DesiredKf } from '@l3af/contracts';
import type { WatchRecord } from '@l3af/kernel';
import { LivePackets } from './live-packets';

const kf = (name: string, enabled = true): DesiredKf => ({
  name,
  package: name,
  version: '1.0.0',
  digest: `sha256:${name}`,
  program: name,
  enabled,
  proceedOn: ['OK'],
  config: {},
  state: 'keep',
});
const chain = {
  target: { instance: 'test', node: 'n', interface: 'eth0', hook: 'tc-ingress' as const, ifindex: 2 },
  generation: 8,
  applied: { revision: 3, sequence: 30, kfs: [kf('a'), kf('off', false), kf('b')] },
};
const record = (packet: number, index: number | undefined, more: Partial<WatchRecord> = {}): WatchRecord => ({
  packet: BigInt(packet),
  index,
  verdict: 0,
  nanoseconds: 40n,
  length: 60,
  bytes: Buffer.from('0102', 'hex'),
  ...more,
});

describe('LivePackets', () => {
  it('tells packets as they become whole, whatever CPUs interleave', () => {
    const packets = new LivePackets(chain, 10);
    expect(
      packets.add(
        [record(1, undefined), record(2, undefined), record(2, 0, { verdict: 2 }), record(1, 0)],
        0,
      ),
    ).toMatchObject([
      { number: 1, verdict: 'SHOT', leftAt: 'a', steps: [{ kf: 'a', verdict: 'SHOT', proceeded: false }] },
    ]);
    const [second] = packets.add([record(1, 2, { bytes: Buffer.from('0103', 'hex'), length: 64 })], 5);
    expect(second).toMatchObject({
      ...{ number: 2, verdict: 'UNSPEC', arrived: '0102', packet: '0103', lengthBefore: 60, lengthAfter: 64 },
      ...{ at: '1970-01-01T00:00:00.000Z', revision: 3, generation: 8 },
      steps: [
        { kf: 'a' },
        { kf: 'off', notes: ['switched off'] },
        { kf: 'b', changes: [{ offset: 1, before: '02', after: '03' }] },
      ],
    });
    expect(second?.leftAt).toBeUndefined();
  });

  it('counts a packet that does not become whole, and goes on', () => {
    const packets = new LivePackets(chain, 10);
    expect(packets.add([record(1, undefined), record(1, 2)], 0)).toEqual([]);
    expect(packets.add([], 1_000)).toEqual([]);
    expect(packets.incomplete).toBe(0);
    expect(packets.add([record(2, undefined), record(2, 0, { verdict: 2 })], 2_000)).toHaveLength(1);
    packets.add([record(3, 0)], 2_000);
    packets.giveUp();
    expect(packets).toMatchObject({ incomplete: 2, told: 1 });
  });

  it('tells no more than were asked for', () => {
    const packets = new LivePackets(chain, 2);
    const all = [1, 2, 3].flatMap((packet) => [record(packet, undefined), record(packet, 0, { verdict: 9 })]);
    expect(packets.add(all, 0).map(({ number, verdict }) => [number, verdict])).toEqual([
      [1, 'OTHER(9)'],
      [2, 'OTHER(9)'],
    ]);
    expect(packets.isFull()).toBe(true);
  });
});
