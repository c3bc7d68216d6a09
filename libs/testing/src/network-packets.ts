/** The smallest IPv4/UDP packet that programs parse: Ethernet, IPv4, UDP, payload. */
export interface UdpPacket {
  source?: string;
  destination?: string;
  sourcePort?: number;
  destinationPort?: number;
  payload?: Uint8Array;
}

const address = (text: string): number[] => text.split('.').map(Number);

/** Builds a packet for BPF_PROG_TEST_RUN. Checksums of the IPv4 header are right; UDP's is left out, as IPv4 allows. */
export function udpPacket(options: UdpPacket = {}): Buffer {
  const {
    source = '192.0.2.1',
    destination = '192.0.2.2',
    sourcePort = 1000,
    destinationPort = 2000,
  } = options;
  const payload = options.payload ?? Buffer.alloc(22);
  const ethernet = Buffer.from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
  const ip = Buffer.alloc(20);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(28 + payload.length, 2);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(17, 9);
  ip.set(address(source), 12);
  ip.set(address(destination), 16);
  ip.writeUInt16BE(headerChecksum(ip), 10);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(sourcePort, 0);
  udp.writeUInt16BE(destinationPort, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([ethernet, ip, udp, payload]);
}

function headerChecksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
