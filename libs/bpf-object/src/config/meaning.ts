import type { ValueType } from '@l3af/contracts';

/** What a value of plain bytes or numbers stands for, told by its type's or field's name. */
export type Meaning = 'ipv4' | 'ipv6' | 'mac' | 'protocol' | 'none';

const addressName =
  /(^|_)(s|d|src|dst|source|dest|destination|remote|local|peer)?_?(addr|address|ip)(_?v?[46])?$/i;
const addressesName = /(^|_)(s|d|src|dst|source|dest|destination)?_?(addr|address|ip)(_?v?[46])?(e?s)$/i;
const macName = /(^|_)(h_source|h_dest|mac|smac|dmac|hwaddr|lladdr)$/i;
const protocolName = /(^|_)(proto|protocol|l4proto|nexthdr)$/i;

/** Element sizes that a 16-byte address is declared with: __u8[16], __be32[4], __u64[2]. */
const byteRows = new Set([1, 2, 4, 8]);

const isByteRow = (type: ValueType): boolean =>
  type.kind === 'bytes' ||
  (type.kind === 'array' && type.element.kind === 'int' && byteRows.has(type.element.bytes));

/**
 * What a value means. `__be32` is an IPv4 address (little else has four bytes in network order); 4 or 16 bytes whose
 * field or map is named like an address are one; `struct in_addr` and `struct in6_addr` always are.
 */
export function meaningOf(type: ValueType, hint: string): Meaning {
  if (type.kind === 'struct' || type.kind === 'union') return meaningOfStruct(type.name);
  if (type.kind === 'int') return meaningOfInteger(type, hint);
  return isByteRow(type) ? meaningOfRow(type, hint) : 'none';
}

function meaningOfRow(type: ValueType, hint: string): Meaning {
  const isRowOfBytes = type.kind === 'array' && type.element.bytes === 1;
  const isAddress = addressName.test(hint) || (isRowOfBytes && addressesName.test(hint));
  if (type.bytes === 16 && isAddress) return 'ipv6';
  if (type.bytes === 4 && isAddress) return 'ipv4';
  return type.bytes === 6 && (isAddress || macName.test(hint)) ? 'mac' : 'none';
}

function meaningOfStruct(name: string | undefined): Meaning {
  if (name === 'in6_addr') return 'ipv6';
  return name === 'in_addr' ? 'ipv4' : 'none';
}

function meaningOfInteger(type: Extract<ValueType, { kind: 'int' }>, hint: string): Meaning {
  if (type.bytes === 4 && (type.name === '__be32' || addressName.test(hint))) return 'ipv4';
  if (type.bytes <= 4 && type.name !== '__be16' && protocolName.test(hint)) return 'protocol';
  return 'none';
}

/** `__be16` and its kin are in network order wherever the program runs. */
export const isNetworkOrder = (type: ValueType): boolean =>
  type.kind === 'int' && /^__be(16|32|64)$/.test(type.name ?? '');

const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  ospf: 89,
  sctp: 132,
  udplite: 136,
};
const protocolNames = new Map(Object.entries(protocols).map(([name, number]) => [number, name]));

/**
 * The hint for keys of a map from the map's name: `blocked_ips` holds an `ip` in each key, `deny_sources` a source
 * address, `by_protocol` a protocol.
 */
export function keyHint(mapName: string): string {
  const singular = /addresses$/i.test(mapName) ? mapName.slice(0, -2) : mapName.replace(/(?<!s)s$/i, '');
  return /(^|_)(source|destination|host|src|dst|peer)$/i.test(singular) ? 'addr' : singular;
}

export function protocolNumber(name: string): number | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(protocols, lower) ? protocols[lower] : undefined;
}
export const protocolNameOf = (number: number): string | undefined => protocolNames.get(number);
