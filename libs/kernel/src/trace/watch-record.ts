import type { WatchRecord } from './watch-types';
import { arrival, record } from './packet-key';

/** Decodes one record. Pure. */
export function readRecord(bytes: Buffer): WatchRecord {
  const index = bytes.readUInt32LE(record.index);
  const captured = Math.min(bytes.readUInt32LE(record.captured), record.packetBytes);
  return {
    packet: bytes.readBigUInt64LE(record.id),
    index: index === arrival ? undefined : index,
    verdict: bytes.readInt32LE(record.verdict),
    nanoseconds: bytes.readBigUInt64LE(record.nanoseconds),
    length: bytes.readUInt32LE(record.length),
    bytes: bytes.subarray(record.packet, record.packet + captured),
  };
}
