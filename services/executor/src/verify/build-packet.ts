import { encodeValue } from '@l3af/bpf-object';
import { checksum, transportChecksum } from './checksum';
import { type Layer, type LayerKind, type Packet, layerSchema } from './packet-layers';

/** The bytes of a packet, from its Ethernet header on. */
export function buildPacket(packet: Packet): Buffer {
  if ('hex' in packet) return Buffer.from(packet.hex.replace(/\s/g, ''), 'hex');
  const [first] = packet.layers;
  const layers =
    first?.kind === 'ethernet' ? packet.layers : [layerSchema.parse({ ethernet: {} }), ...packet.layers];
  const bytes = layers.reduceRight<Buffer>(
    (behind, layer, index) =>
      encodeLayer(layer, { behind, next: layers[index + 1], outer: layers.slice(0, index) }),
    Buffer.alloc(0),
  );
  const cut = bytes.subarray(0, ('truncate' in packet && packet.truncate) || bytes.length);
  const pad = ('pad' in packet && packet.pad) || 0;
  return cut.length >= pad ? cut : Buffer.concat([cut, Buffer.alloc(pad - cut.length)]);
}

/** What stands around a layer. */
interface Surroundings {
  behind: Buffer;
  next: Layer | undefined;
  outer: readonly Layer[];
}

type Encoder<K extends LayerKind> = (layer: Extract<Layer, { kind: K }>, around: Surroundings) => Buffer;

const ethertypes: Partial<Record<LayerKind, number>> = { ipv4: 0x0800, ipv6: 0x86dd };
const experimentalEthertype = 0x88b5;

function ethertypeOf(next: Layer | undefined): number {
  if (next?.kind === 'vlan') return next.tpid;
  return (next && ethertypes[next.kind]) ?? experimentalEthertype;
}

const protocols: Partial<Record<LayerKind, number>> = {
  hopByHop: 0,
  icmp: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  authentication: 51,
  icmpv6: 58,
  destinationOptions: 60,
  sctp: 132,
};
const [noNextHeader, experimentalProtocol] = [59, 253];

const protocolOf = (next: Layer | undefined): number =>
  next ? (protocols[next.kind] ?? experimentalProtocol) : noNextHeader;

const mac = (text: string): Uint8Array =>
  encodeValue(
    { kind: 'array', bytes: 6, length: 6, element: { kind: 'int', bytes: 1, signed: false } },
    text,
    { hint: 'mac' },
  );
const ipv4Address = (text: string): Uint8Array =>
  encodeValue({ kind: 'int', bytes: 4, signed: false, name: '__be32' }, text);
const ipv6Address = (text: string): Uint8Array =>
  encodeValue({ kind: 'struct', bytes: 16, name: 'in6_addr', fields: [] }, text);

const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const uint32 = (value: number): Buffer => Buffer.concat([uint16(value >>> 16), uint16(value & 0xffff)]);

/** The last IP layer outside, with its addresses as bytes: what a transport checksum covers besides its own. */
function addressesAround({ outer }: Surroundings): Uint8Array[] {
  const ip = outer.findLast((layer) => layer.kind === 'ipv4' || layer.kind === 'ipv6');
  if (ip?.kind === 'ipv4') return [ipv4Address(ip.source), ipv4Address(ip.destination)];
  return ip?.kind === 'ipv6' ? [ipv6Address(ip.source), ipv6Address(ip.destination)] : [];
}

/** A header of `bytes` that starts with the next protocol and its own length in units of `unit` bytes less `less`. */
function extension(next: number, bytes: number, { unit = 8, less = 1 } = {}): Buffer {
  const header = Buffer.alloc(bytes);
  header[0] = next;
  header[1] = bytes / unit - less;
  return header;
}

/** Puts the checksum of header and payload where the header has zeros for it. */
function withTransportChecksum(
  header: Buffer,
  around: Surroundings,
  at: { offset: number; protocol: number },
): Buffer {
  const bytes = Buffer.concat([header, around.behind]);
  const addresses = addressesAround(around);
  const sum = at.protocol === 1 ? checksum(bytes) : transportChecksum(bytes, addresses, at.protocol);
  bytes.writeUInt16BE(sum, at.offset);
  return bytes;
}

const tcpFlags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 };

const option = (
  layer: { bytes: number; next?: number | undefined },
  { behind, next }: Surroundings,
): Buffer => Buffer.concat([extension(layer.next ?? protocolOf(next), layer.bytes), behind]);

const echo =
  (protocol: number) =>
  ({ type, code }: { type: number; code: number }, around: Surroundings): Buffer =>
    withTransportChecksum(Buffer.from([type, code, 0, 0, 0, 0, 0, 0]), around, { offset: 2, protocol });

const encoders: { [K in LayerKind]: Encoder<K> } = {
  ethernet: (layer, { behind, next }) =>
    Buffer.concat([
      mac(layer.destination),
      mac(layer.source),
      uint16(layer.type ?? ethertypeOf(next)),
      behind,
    ]),
  vlan: (layer, { behind, next }) =>
    Buffer.concat([
      uint16((layer.priority << 13) | layer.id),
      uint16(layer.type ?? ethertypeOf(next)),
      behind,
    ]),
  ipv4: (layer, { behind, next }) => {
    const options = Buffer.from(layer.options.replace(/\s/g, ''), 'hex');
    const padded = Buffer.concat([options, Buffer.alloc((4 - (options.length % 4)) % 4)]);
    const words = 5 + padded.length / 4;
    const { offset = 0, more = false } = layer.fragment ?? {};
    const header = Buffer.concat([
      Buffer.from([(layer.version << 4) | (layer.headerLength ?? words), layer.tos]),
      uint16(layer.length ?? words * 4 + behind.length),
      uint16(layer.id),
      uint16((more ? 0x2000 : 0) | (offset / 8)),
      Buffer.from([layer.ttl, layer.protocol ?? protocolOf(next), 0, 0]),
      ipv4Address(layer.source),
      ipv4Address(layer.destination),
      padded,
    ]);
    header.writeUInt16BE(checksum(header), 10);
    return Buffer.concat([header, behind]);
  },
  ipv6: (layer, { behind, next }) =>
    Buffer.concat([
      Buffer.from([layer.version << 4, 0, 0, 0]),
      uint16(layer.length ?? behind.length),
      Buffer.from([layer.next ?? protocolOf(next), layer.hopLimit]),
      ipv6Address(layer.source),
      ipv6Address(layer.destination),
      behind,
    ]),
  hopByHop: option,
  routing: option,
  destinationOptions: option,
  fragment: (layer, { behind, next }) =>
    Buffer.concat([
      Buffer.from([layer.next ?? protocolOf(next), 0]),
      uint16(layer.offset | (layer.more ? 1 : 0)),
      uint32(layer.id),
      behind,
    ]),
  authentication: (layer, { behind, next }) =>
    Buffer.concat([extension(layer.next ?? protocolOf(next), layer.bytes, { unit: 4, less: 2 }), behind]),
  tcp: (layer, around) => {
    const flags = layer.flags.reduce((all, flag) => all | tcpFlags[flag], 0);
    const header = Buffer.concat([
      uint16(layer.source),
      uint16(layer.destination),
      uint32(layer.sequence),
      uint32(layer.acknowledgement),
      Buffer.from([0x50, flags]),
      uint16(layer.window),
      Buffer.alloc(4),
    ]);
    return withTransportChecksum(header, around, { offset: 16, protocol: 6 });
  },
  udp: (layer, around) => {
    const length = uint16(layer.length ?? 8 + around.behind.length);
    const header = Buffer.concat([uint16(layer.source), uint16(layer.destination), length, Buffer.alloc(2)]);
    return withTransportChecksum(header, around, { offset: 6, protocol: 17 });
  },
  /** Without its CRC-32c, which nothing in a packet path looks at. */
  sctp: (layer, { behind }) =>
    Buffer.concat([uint16(layer.source), uint16(layer.destination), Buffer.alloc(8), behind]),
  icmp: echo(1),
  icmpv6: echo(58),
  payload: (layer, { behind }) => {
    if ('hex' in layer) return Buffer.concat([Buffer.from(layer.hex.replace(/\s/g, ''), 'hex'), behind]);
    return Buffer.concat(['text' in layer ? Buffer.from(layer.text) : Buffer.alloc(layer.bytes), behind]);
  },
};

function encodeLayer(layer: Layer, around: Surroundings): Buffer {
  const encode = encoders[layer.kind] as (layer: Layer, around: Surroundings) => Buffer;
  return encode(layer, around);
}
