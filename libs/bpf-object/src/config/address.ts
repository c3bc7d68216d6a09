/** Bytes of an IPv4 address in dotted decimals; undefined when the text is none. Leading zeros are refused: some read them as octal. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return Uint8Array.from(parts.map(Number));
}

/** Bytes of an IPv6 address in any of RFC 4291's forms; undefined when the text is none. */
export function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => groupsOf(half));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const given = head.length + (tail?.length ?? 0);
  if (halves.length === 1 ? given !== 16 : given > 14) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(16 - given).fill(0), ...(tail ?? [])]);
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    const dotted = index === groups.length - 1 && group.includes('.') ? parseIpv4(group) : undefined;
    if (dotted) bytes.push(...dotted);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group))
      bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 255);
    else return undefined;
  }
  return bytes;
}

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];
const isMapped = (bytes: Uint8Array): boolean => mappedPrefix.every((byte, index) => bytes[index] === byte);

/** Bits that an IPv4 prefix is longer by when it stands in 16 bytes (::ffff:0:0/96). */
export const mappedBits = 96;

/** An address of 4 or 16 bytes. In 16 bytes, IPv4 is written IPv4-mapped. */
export function parseAddress(text: string, bytes: 4 | 16): Uint8Array | undefined {
  const ipv4 = parseIpv4(text);
  if (bytes === 4) return ipv4;
  return ipv4 ? Uint8Array.from([...mappedPrefix, ...ipv4]) : parseIpv6(text);
}

/** An address as people write it; IPv4-mapped ones as IPv4, others as RFC 5952 says. */
export function printAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (isMapped(bytes)) return bytes.subarray(12).join('.');
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  );
  const run = longestZeroRun(groups);
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}

export interface Prefix {
  bits: number;
  address: Uint8Array;
}

/** Reads `ADDRESS/BITS` (or an address alone: all its bits) for data of 4 or 16 bytes; bits behind the prefix are cleared. */
export function parsePrefix(text: string, bytes: 4 | 16): Prefix | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const parsed = parseAddress(address, bytes);
  if (!parsed || rest.length > 0) return undefined;
  const isShort = bytes === 16 && parseIpv4(address) !== undefined;
  const bitsMax = isShort ? 32 : bytes * 8;
  if (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const bits = length === undefined ? bitsMax : Number(length);
  if (bits > bitsMax) return undefined;
  const total = isShort ? bits + mappedBits : bits;
  return { bits: total, address: parsed.map((byte, index) => byte & maskByte(total - index * 8)) };
}

const maskByte = (bits: number): number => (bits >= 8 ? 255 : bits <= 0 ? 0 : (0xff00 >> bits) & 255);

/** The inverse of {@link parsePrefix}. A prefix that holds more than IPv4's is written as IPv6. */
export function printPrefix({ bits, address }: Prefix): string {
  if (address.length === 16 && isMapped(address) && bits >= mappedBits) {
    return `${printAddress(address)}/${bits - mappedBits}`;
  }
  if (address.length === 16 && isMapped(address)) return `::ffff:${address.subarray(12).join('.')}/${bits}`;
  return `${printAddress(address)}/${bits}`;
}

export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/).map((part) => parseInt(part, 16)));
}

export const printMac = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
