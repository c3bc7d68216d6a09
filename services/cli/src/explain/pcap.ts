import { L3afError, cannot } from '@l3af/contracts';

/** One packet of a capture file. */
export interface CapturedPacket {
  bytes: Uint8Array;
  /** On the wire; more than was captured when a snapshot length cut it. */
  lengthBytes: number;
}

const headerBytes = 24;
const recordBytes = 16;
const ethernet = 1;
/** Larger than any packet that is captured; what says more is no length. */
const packetBytesMax = 262_144;

/** The magic numbers of classic pcap: with microseconds and with nanoseconds. */
const magics = [0xa1b2c3d4, 0xa1b23c4d];
/** A section header block: it reads the same in both byte orders. */
const pcapngMagic = 0x0a0d0d0a;

/** Reads packet `number` (from 1) of a capture in tcpdump's classic format, of either byte order and resolution. */
export function readPcap(bytes: Uint8Array, number: number, file: string): CapturedPacket {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = byteOrder(view, file);
  checkLinkType(view.getUint32(20, little), file);
  let offset = headerBytes;
  for (let at = 1; offset + recordBytes <= view.byteLength; at++) {
    const captured = view.getUint32(offset + 8, little);
    const end = offset + recordBytes + captured;
    if (captured > packetBytesMax || end > view.byteLength)
      throw unusable(file, `it breaks off in packet ${at}`);
    if (at === number) {
      const lengthBytes = view.getUint32(offset + 12, little);
      return { bytes: bytes.slice(offset + recordBytes, end), lengthBytes };
    }
    offset = end;
  }
  throw unusable(file, `it has no packet ${number}, the last is ${countPackets(view, little)}`);
}

function countPackets(view: DataView, little: boolean): number {
  let count = 0;
  for (let offset = headerBytes; offset + recordBytes <= view.byteLength; count++)
    offset += recordBytes + view.getUint32(offset + 8, little);
  return count;
}

/** True for little-endian. */
function byteOrder(view: DataView, file: string): boolean {
  if (view.byteLength >= 4 && view.getUint32(0) === pcapngMagic) {
    const name = file === 'stdin' ? '-' : file;
    throw unusable(
      file,
      'it is pcapng, needs classic pcap',
      `tcpdump converts it: tcpdump -r ${name} -w packets.pcap`,
    );
  }
  if (view.byteLength >= headerBytes) {
    for (const little of [true, false]) if (magics.includes(view.getUint32(0, little))) return little;
  }
  throw unusable(file, 'it is no pcap file');
}

function checkLinkType(field: number, file: string): void {
  const linkType = field & 0xffff; // the rest tells of frame check sequences
  if (linkType === ethernet) return;
  throw unusable(
    file,
    `its packets are of link type ${linkType}, needs Ethernet (1)`,
    'Capture on one interface (tcpdump -i NAME), not on "any"',
  );
}

const unusable = (file: string, state: string, hint = '`tcpdump -w FILE` writes one'): L3afError =>
  new L3afError('invalid-request', cannot('read', 'capture', file, state), { hint });
