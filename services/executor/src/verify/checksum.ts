/** The internet checksum (RFC 1071) of bytes whose checksum field is zero. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let index = 0; index < part.length; index += 2) {
      sum += ((part[index] ?? 0) << 8) | (part[index + 1] ?? 0);
    }
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The same over the addresses as well (RFC 9293, RFC 8200). A UDP checksum of 0 would mean none, and is sent as 0xffff. */
export function transportChecksum(
  bytes: Uint8Array,
  addresses: readonly Uint8Array[],
  protocol: number,
): number {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(bytes.length, 0);
  tail.writeUInt32BE(protocol, 4);
  const sum = checksum(...addresses, tail, bytes);
  return sum === 0 && protocol === 17 ? 0xffff : sum;
}
