import { buildPacket } from './build-packet';
import { checksum } from './checksum';
import { packetSchema } from './packet-layers';

const bytes = (written: unknown): Buffer => buildPacket(packetSchema.parse(written));

describe('buildPacket', () => {
  test('fills in what the layers around say', () => {
    const packet = bytes([
      { ipv4: { source: '198.51.100.1', destination: '203.0.113.2' } },
      { udp: { source: 1, destination: 2 } },
      { payload: { text: 'abc' } },
    ]);
    expect(packet.toString('hex', 0, 24)).toBe('0200000000020200000000010800' + '4500001f000000004011');
    expect(packet.toString('hex', 26, 40)).toBe('c6336401cb007102' + '00010002000b');
    expect(packet.toString('hex', 42)).toBe('616263');
    expect(checksum(packet.subarray(14, 34))).toBe(0);
  });

  test('transport checksums hold over the pseudo header', () => {
    const packet = bytes([{ ipv6: {} }, { hopByHop: {} }, { tcp: {} }, { payload: { bytes: 5 } }]);
    const [addresses, tcp] = [packet.subarray(22, 54), packet.subarray(62)];
    const rest = Buffer.alloc(8);
    rest.writeUInt32BE(tcp.length, 0);
    rest[7] = 6;
    expect(checksum(addresses, rest, tcp)).toBe(0);
    expect(packet[20]).toBe(0); // the next header is hop-by-hop
    expect(packet[54]).toBe(6); // then TCP
  });

  test('tags announce themselves in the layer before', () => {
    const packet = bytes([{ vlan: { tpid: 0x88a8, id: 5 } }, { vlan: { id: 7, priority: 3 } }, { ipv6: {} }]);
    expect(packet.toString('hex', 12, 22)).toBe('88a8000581006007' + '86dd');
  });

  test('fragments, options and what contradicts itself', () => {
    const fragment = bytes([{ ipv4: { fragment: { offset: 64, more: true }, options: '0101' } }]);
    expect(fragment[14]).toBe(0x46);
    expect(fragment.readUInt16BE(20)).toBe(0x2008);
    expect(fragment.toString('hex', 34)).toBe('01010000');
    expect(bytes([{ ipv4: { headerLength: 3, version: 6 } }])[14]).toBe(0x63);
    expect(
      bytes([{ ipv6: {} }, { fragment: { offset: 8, id: 9 } }, { udp: {} }]).toString('hex', 54, 62),
    ).toBe('1100000800000009');
    expect(bytes([{ ipv6: {} }, { authentication: { bytes: 24 } }, { udp: {} }])[55]).toBe(4);
  });

  test('is cut and filled up to size, or taken from hex', () => {
    const layers = [{ ipv4: {} }, { udp: {} }];
    expect(bytes({ layers, truncate: 20 })).toHaveLength(20);
    expect(bytes({ layers, pad: 60 })).toHaveLength(60);
    expect(
      bytes({ layers, truncate: 20, pad: 60 })
        .subarray(20)
        .every((byte) => byte === 0),
    ).toBe(true);
    expect(bytes({ hex: 'de ad\nbe ef' }).toString('hex')).toBe('deadbeef');
  });
});

describe('packetSchema', () => {
  const messages = (written: unknown): string =>
    JSON.stringify(packetSchema.safeParse(written).error?.issues);

  test.each([
    [[{ upd: {} }], 'must have one key, one of ethernet'],
    [[{ udp: {}, tcp: {} }], 'must have one key'],
    [[{ udp: { port: 53 } }], 'Unrecognized key'],
    [[{ udp: { destination: 65536 } }], '65535'],
    [[{ ipv4: { fragment: { offset: 7 } } }], 'multiple of 8'],
    [{ hex: 'abc' }, 'must be bytes in hex'],
    [[], 'Invalid input'],
  ])('refuses %j', (written, message) => {
    expect(messages(written)).toContain(message);
  });
});
