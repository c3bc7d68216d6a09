import { crc32 } from 'node:zlib';
import { cannot, L3afError } from '@l3af/contracts';
import type { PartReference } from './state';

/** The bytes, if they are what the part was when it was stored; else throws `digest-mismatch`. */
export function checkedPart(part: PartReference, bytes: Uint8Array): Uint8Array {
  if (bytes.length === part.size && crc32(bytes) === part.crc32) return bytes;
  throw new L3afError('digest-mismatch', cannot('read', 'part', part.name, 'it is not what was stored'));
}
