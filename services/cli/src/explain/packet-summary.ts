/** A line that tells people which packet it is: `tcp 192.0.2.1:1000 → 192.0.2.2:443`. Pure; `packet` begins with the Ethernet header. */
export function packetSummary(packet: Uint8Array): string {
  const bytes = Buffer.from(packet);
  if (bytes.length < 14) return 'no Ethernet header';
  let [at, tags] = [12, ''];
  while (isTag(bytes, at)) {
    tags += `vlan ${bytes.readUInt16BE(at + 2) & 0x0fff} `;
    at += 4;
  }
  const etherType = bytes.readUInt16BE(at);
  const head = bytes.subarray(at + 2);
  if (etherType === 0x0800 && head.length >= 20) return tags + ipv4(head);
  if (etherType === 0x86dd && head.length >= 40) return tags + ipv6(head);
  return `${tags}${etherTypes[etherType] ?? `ether type 0x${etherType.toString(16).padStart(4, '0')}`}`;
}

const etherTypes: Record<number, string> = { 0x0800: 'ip, cut', 0x86dd: 'ip6, cut', 0x0806: 'arp' };
const protocols: Record<number, string> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp6', 132: 'sctp' };
const withPorts = [6, 17, 132];

const isTag = (bytes: Buffer, at: number): boolean =>
  bytes.length >= at + 6 && [0x8100, 0x88a8].includes(bytes.readUInt16BE(at));

function ipv4(head: Buffer): string {
  const isFirst = (head.readUInt16BE(6) & 0x1fff) === 0;
  const ports = isFirst ? head.subarray((head.readUInt8(0) & 15) * 4) : Buffer.alloc(0);
  const address = (from: number): string => head.subarray(from, from + 4).join('.');
  return ended(head.readUInt8(9), ports, [address(12), address(16)]);
}

function ipv6(head: Buffer): string {
  const address = (from: number): string => {
    const groups = Array.from({ length: 8 }, (_, index) => head.readUInt16BE(from + index * 2).toString(16));
    // The URL parser shortens addresses as RFC 5952 says.
    return new URL(`http://[${groups.join(':')}]`).hostname;
  };
  return ended(head.readUInt8(6), head.subarray(40), [address(8), address(24)]);
}

function ended(protocol: number, rest: Buffer, [source, destination]: [string, string]): string {
  const name = protocols[protocol] ?? `proto ${protocol}`;
  if (!withPorts.includes(protocol) || rest.length < 4) return `${name} ${source} → ${destination}`;
  return `${name} ${source}:${rest.readUInt16BE(0)} → ${destination}:${rest.readUInt16BE(2)}`;
}
