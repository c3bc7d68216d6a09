import { closeSync } from 'node:fs';
import type { Hook } from '@l3af/contracts';
import { udpPacket } from '@l3af/testing';
import { createMap, KernelMap } from '../bpf/map';
import { attachType, loadInstructions, programType, testRunFd } from '../bpf/program';
import { assemble, exit, movImm } from '../glue/assembler';
import { gateProgram } from './gate';
import { parseMatch } from './match-expression';
import { RingReader } from './ring-reader';
import { createWatchMaps, readLost } from './watch-maps';
import type { WatchRecord } from './watch-types';
import { readRecord } from './watch-record';

const [plain, watched] = [0, 1];

/** A gate in front of two programs that only say which lane a packet took. */
function openGate(hook: Hook, expression: string, packets = 1000) {
  const type = hook === 'xdp' ? programType.xdp : programType.schedCls;
  const load = (name: string, instructions: Buffer): number =>
    loadInstructions({ type, name, instructions, attachType: hook === 'xdp' ? attachType.xdp : 0 });
  const lanes = new KernelMap(
    createMap({ type: 'prog_array', name: 'lanes', keyBytes: 4, valueBytes: 4, entriesMax: 2 }),
  );
  const maps = createWatchMaps(packets);
  const match = parseMatch(expression);
  const watch = { key: maps.key.fd, ring: maps.ring.fd, control: maps.control.fd };
  const gate = load(
    'gate',
    gateProgram({ hook, frags: false, match, programs: lanes.fd, laneFrom: 1, watch }),
  );
  for (const lane of [plain, watched]) {
    const fd = load('lane', assemble([movImm(0, 100 + lane), exit]));
    const [at, value] = [Buffer.alloc(4), Buffer.alloc(4)];
    at.writeUInt32LE(lane);
    value.writeUInt32LE(fd);
    lanes.update(at, value);
    closeSync(fd);
  }
  const ring = new RingReader(maps.ring.fd);
  return {
    lane: (packet: Uint8Array): number => testRunFd(gate, { dataIn: packet }).verdict - 100,
    records: (): WatchRecord[] => ring.read().map(readRecord),
    lost: () => readLost(maps.control),
    [Symbol.dispose]: () => {
      ring.close();
      closeSync(gate);
      [lanes, ...Object.values(maps)].forEach((map) => map.close());
    },
  };
}

const hex = (...parts: string[]): Buffer => Buffer.from(parts.join('').replace(/\s/g, ''), 'hex');
const macs = '02005e000002 02005e000001';
const udp = udpPacket(); // 192.0.2.1:1000 > 192.0.2.2:2000, 64 bytes
const ip = (protocol: string, rest: string, { options = '', fragment = '0000' } = {}): string =>
  `${(0x45 + options.length / 8).toString(16)}00 0040 0001 ${fragment} 40 ${protocol} 0000 0a010203 c6336407 ${options}${rest}`;
const tcp = 'c000 01bb 00000000 00000000 5010 ffff 0000 0000';
const ip6 = (next: string, rest: string): string =>
  `6000000000 14 ${next} 40 20010db8000000000000000000000001 20010db8000100000000000000000002 ${rest}`;
const packets = {
  udp,
  tcp: hex(macs, '0800', ip('06', tcp)),
  options: hex(macs, '0800', ip('06', tcp, { options: '01'.repeat(40) })),
  fragment: hex(macs, '0800', ip('06', tcp, { fragment: '2001' })),
  icmp: hex(macs, '0800', ip('01', '0800 0000 0001 0001')),
  cut: hex(macs, '0800', ip('06', 'c000')),
  tcp6: hex(macs, '86dd', ip6('06', tcp)),
  icmp6: hex(macs, '86dd', ip6('3a', '8000 0000 0001 0001')),
  extended: hex(macs, '86dd', ip6('00', `0600000000000000 ${tcp}`)),
  arp: hex(macs, '0806', '0001 0800 06 04 0001 02005e000001 c0000201 000000000000 c0000202'),
  long: Buffer.concat([udp, Buffer.alloc(1000)]),
};
/** BPF_PROG_TEST_RUN hands a TC program a packet whose tag is in it, which no interface does. */
const taggedPackets = {
  vlan: hex(macs, '8100 0064', '0800', ip('06', tcp)),
  twice: hex(macs, '88a8 0064', '8100 0fff', '86dd', ip6('11', '0035 1000 0008 0000')),
};
type Name = keyof typeof packets | keyof typeof taggedPackets;

const cases: [expression: string, matching: Name[]][] = [
  ['any', Object.keys({ ...packets, ...taggedPackets }) as Name[]],
  ['not any', []],
  ['ip', ['udp', 'tcp', 'options', 'fragment', 'icmp', 'cut', 'long', 'vlan']],
  ['ip6', ['tcp6', 'icmp6', 'extended', 'twice']],
  ['arp', ['arp']],
  ['ether type 0x0806', ['arp']],
  ['tcp', ['tcp', 'options', 'fragment', 'cut', 'tcp6', 'vlan']],
  ['udp', ['udp', 'long', 'twice']],
  ['proto 17', ['udp', 'long', 'twice']],
  ['proto 0', ['extended']],
  ['icmp', ['icmp']],
  ['icmp6', ['icmp6']],
  ['tcp port 443', ['tcp', 'options', 'tcp6', 'vlan']],
  ['dst port 443', ['tcp', 'options', 'tcp6', 'vlan']],
  ['src port 443', []],
  ['port 53', ['twice']],
  ['port 0', []],
  ['portrange 2000-2001', ['udp', 'long']],
  ['src portrange 49152-65535 and not vlan', ['tcp', 'options', 'tcp6']],
  ['dst portrange 444-1999', []],
  ['host 192.0.2.1', ['udp', 'long']],
  ['dst host 192.0.2.1', []],
  ['src 192.0.2.1 and dst 192.0.2.2', ['udp', 'long']],
  ['net 10.0.0.0/8', ['tcp', 'options', 'fragment', 'icmp', 'cut', 'vlan']],
  ['dst net 198.51.100.0/29', ['tcp', 'options', 'fragment', 'icmp', 'cut', 'vlan']],
  ['dst net 198.51.100.0/30', []],
  ['src 2001:db8::/48', ['tcp6', 'icmp6', 'extended', 'twice']],
  ['dst 2001:db8::/48', []],
  ['dst 2001:db8:1::2', ['tcp6', 'icmp6', 'extended', 'twice']],
  ['src 0.0.0.0/0', ['udp', 'tcp', 'options', 'fragment', 'icmp', 'cut', 'long', 'vlan']],
  [
    'ether src 02:00:5e:00:00:01',
    Object.keys({ ...packets, ...taggedPackets }).filter((name) => !['udp', 'long'].includes(name)) as Name[],
  ],
  ['ether dst 02:00:5e:00:00:01', []],
  ['ether host 02:00:00:00:00:02', ['udp', 'long']],
  ['vlan', ['vlan', 'twice']],
  ['vlan 100', ['vlan', 'twice']],
  ['vlan 100 and ip', ['vlan']],
  ['vlan 4095', []],
  ['len > 1000', ['long']],
  ['len >= 1064', ['long']],
  ['len > 1064', []],
  ['greater 1064 or arp', ['long', 'arp']],
  ['less 42', ['icmp', 'arp', 'cut']],
  ['len = 64', ['udp']],
  ['len < 42', ['cut']],
  ['not (ip or ip6)', ['arp']],
  ['udp and (dst port 2000 or src port 9) and !(len > 64)', ['udp']],
  ['tcp && not ip6 && dst port 443', ['tcp', 'options', 'vlan']],
];

describe.each(['xdp', 'tc-ingress'] as const)('the gate of a watched chain on %s', (hook) => {
  const all: Partial<Record<Name, Buffer>> = hook === 'xdp' ? { ...packets, ...taggedPackets } : packets;

  test.each(cases)('lets through what matches: %s', (expression, matching) => {
    using gate = openGate(hook, expression);
    const through = Object.entries(all).filter(([, packet]) => gate.lane(packet) === watched);
    expect(through.map(([name]) => name).sort()).toEqual(matching.filter((name) => name in all).sort());
  });

  test('records a packet as it came, whole or its first 128 bytes', () => {
    using gate = openGate(hook, 'any');
    for (const size of [14, 15, 21, 64, 96, 127, 128, 129, 1500]) {
      const packet = Buffer.from(Array.from({ length: size }, (_, at) => (at * 7) & 255));
      gate.lane(packet);
      const [seen, ...more] = gate.records();
      expect(more).toEqual([]);
      expect(seen).toMatchObject({ index: undefined, verdict: 0, length: size });
      expect(seen?.bytes.toString('hex')).toBe(packet.subarray(0, 128).toString('hex'));
      expect(seen?.nanoseconds).toBeGreaterThan(0n);
    }
  });

  test('takes as many packets as are wanted, and gives each a name of its own', () => {
    using gate = openGate(hook, 'udp', 3);
    expect([1, 2, 3, 4, 5].map(() => gate.lane(udp))).toEqual([watched, watched, watched, plain, plain]);
    expect(new Set(gate.records().map(({ packet }) => packet)).size).toBe(3);
    expect(gate.lost()).toBe(0);
  });

  test('sends packets through the plain lane while nobody makes room in the ring', () => {
    using gate = openGate(hook, 'any', 1_000_000);
    let taken = 0;
    while (gate.lane(udp) === watched) taken++;
    expect(gate.lost()).toBe(1);
    expect(gate.records()).toHaveLength(taken);
    expect(gate.lane(udp)).toBe(watched);
  });
});
