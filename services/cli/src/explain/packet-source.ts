import { readFile } from 'node:fs/promises';
import { L3afError, cannot } from '@l3af/contracts';
import { InvalidArgumentError } from 'commander';
import type { Surroundings } from '../surroundings';
import { readPcap } from './pcap';

/** Where the packet is: written out, or in a capture file (`-`: stdin). */
export type PacketSource = { kind: 'hex'; hex: string } | { kind: 'pcap'; file: string; number: number };

/** What the node takes, from the Ethernet header on. */
const packetBytes = { min: 14, max: 16_384 } as const;

/** Reads `HEX`, `pcap:FILE:N` or `pcap:N`. */
export function packetArgument(text: string): PacketSource {
  if (!text.startsWith('pcap:')) return { kind: 'hex', hex: hexOf(text) };
  const match = /^pcap:(?:(.+):)?([1-9]\d{0,8})$/.exec(text);
  if (!match) throw new InvalidArgumentError('It must be pcap:FILE:N or pcap:N, with N from 1.');
  return { kind: 'pcap', file: match[1] ?? '-', number: Number(match[2]) };
}

function hexOf(text: string): string {
  const hex = text.replace(/^0x/i, '').replace(/[\s:]/g, '');
  if (!/^([0-9a-f]{2})+$/i.test(hex)) throw new InvalidArgumentError('It must be hex digits, two a byte.');
  return hex.toLowerCase();
}

/** The packet in hex; says so when the capture has only its beginning. */
export async function readPacket(
  source: PacketSource,
  stdin: Surroundings['stdin'],
  note: (text: string) => void,
): Promise<string> {
  if (source.kind === 'hex') return checkLength(source.hex);
  const file = source.file === '-' ? 'stdin' : source.file;
  const packet = readPcap(await readBytes(source.file, stdin), source.number, file);
  const { bytes, lengthBytes } = packet;
  if (lengthBytes > bytes.length)
    note(`packet ${source.number} of ${file} is cut: ${bytes.length} of ${lengthBytes} bytes were captured`);
  return checkLength(Buffer.from(bytes).toString('hex'));
}

function checkLength(hex: string): string {
  const length = hex.length / 2;
  if (length >= packetBytes.min && length <= packetBytes.max) return hex;
  const state = `it has ${length} bytes, needs ${packetBytes.min} to ${packetBytes.max} from the Ethernet header on`;
  throw new L3afError('invalid-request', cannot('explain', 'packet', `${hex.slice(0, 28)}…`, state));
}

async function readBytes(path: string, stdin: Surroundings['stdin']): Promise<Uint8Array> {
  if (path !== '-') {
    return readFile(path).catch((cause: Error) => {
      throw new L3afError('invalid-request', `Cannot read file "${path}": ${cause.message}`, {
        hint: 'Check the path',
      });
    });
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
