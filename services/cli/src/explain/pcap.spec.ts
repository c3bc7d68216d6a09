import { readPcap } from './pcap';

const packets = ['aa'.repeat(60), 'bb'.repeat(14), 'cc'.repeat(100)].map((hex) => Buffer.from(hex, 'hex'));

interface Format {
  magic?: number;
  little?: boolean;
  linkType?: number;
  /** Bytes that each packet had beyond what was captured. */
  cut?: number;
}

function pcap({ magic = 0xa1b2c3d4, little = true, linkType = 1, cut = 0 }: Format = {}): Buffer {
  const fields = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, at) =>
      little ? bytes.writeUInt32LE(value, at * 4) : bytes.writeUInt32BE(value, at * 4),
    );
    return bytes;
  };
  const head = fields(magic, 0x00040002, 0, 0, 262_144, linkType);
  const records = packets.flatMap((packet) => [fields(1, 2, packet.length, packet.length + cut), packet]);
  return Buffer.concat([head, ...records]);
}

describe('readPcap()', () => {
  it.each<[string, Format]>([
    ['microseconds, little-endian', {}],
    ['microseconds, big-endian', { little: false }],
    ['nanoseconds, little-endian', { magic: 0xa1b23c4d }],
    ['nanoseconds, big-endian', { magic: 0xa1b23c4d, little: false }],
    ['a link type with frame check sequence bits', { linkType: 0x24000001 }],
  ])('reads each packet of a file with %s', (_name, format) => {
    const read = packets.map((_, at) => Buffer.from(readPcap(pcap(format), at + 1, 'f').bytes));
    expect(read).toEqual(packets);
  });

  it('tells how long a packet was that the capture cut', () => {
    expect(readPcap(pcap({ cut: 40 }), 2, 'f')).toMatchObject({ lengthBytes: 54 });
  });

  it.each<[string, Uint8Array, string]>([
    ['a packet that there is not', pcap(), 'it has no packet 4, the last is 3'],
    ['a file that breaks off', pcap().subarray(0, -1), 'it breaks off in packet 3'],
    ['another link type', pcap({ linkType: 113 }), 'link type 113, needs Ethernet (1)'],
    ['something else', Buffer.from('GIF89a, which is no capture file'), 'it is no pcap file'],
    ['an empty file', Buffer.alloc(0), 'it is no pcap file'],
    ['a file of the magic alone', pcap().subarray(0, 4), 'it is no pcap file'],
  ])('refuses %s', (_name, bytes, message) => {
    expect(() => readPcap(bytes, 4 - (message.includes('breaks') ? 1 : 0), 'f')).toThrow(message);
  });

  it('refuses pcapng with the command that converts it', () => {
    const bytes = Buffer.concat([Buffer.from('0a0d0d0a1c000000', 'hex'), Buffer.alloc(40)]);
    const read = (): unknown => readPcap(bytes, 1, 'trace.pcapng');
    expect(read).toThrow('Cannot read capture "trace.pcapng": it is pcapng, needs classic pcap');
    expect(read).toThrow(
      expect.objectContaining({
        hint: 'tcpdump converts it: tcpdump -r trace.pcapng -w packets.pcap',
      }) as Error,
    );
  });
});
