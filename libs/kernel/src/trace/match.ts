import { key, tagged } from './packet-key';

/** A condition on a packet, made of comparisons of fields of its key. */
export type Match = { kind: 'all' | 'any'; of: Match[] } | { kind: 'not'; of: Match } | Compare;

export interface Compare {
  kind: 'compare';
  /** Offset in the key. */
  at: number;
  bytes: 1 | 2 | 4;
  /** How the field is stored; values and masks here read as numbers. */
  order: 'network' | 'host';
  mask?: number;
  relation: '=' | '>=' | '<=';
  value: number;
}

const compare = (
  field: Omit<Compare, 'kind' | 'relation'>,
  relation: Compare['relation'] = '=',
): Compare => ({
  kind: 'compare',
  relation,
  ...field,
});
const all = (...of: Match[]): Match => ({ kind: 'all', of });
const any = (...of: Match[]): Match => ({ kind: 'any', of });

const number = (at: number, bytes: 1 | 2 | 4, value: number): Compare =>
  compare({ at, bytes, order: 'host', value });

export const isEtherType = (value: number): Match =>
  compare({ at: key.etherType, bytes: 2, order: 'network', value });
export const isFamily = (family: 4 | 6): Match => number(key.family, 1, family);
/** Only IP has a protocol; 0 is one, too. */
export const isProtocol = (value: number): Match =>
  all({ kind: 'not', of: number(key.family, 1, 0) }, number(key.protocol, 1, value));
export const hasVlan = (id?: number): Match =>
  id === undefined ? { kind: 'not', of: number(key.vlan, 2, 0) } : number(key.vlan, 2, tagged | id);
export const hasLength = (relation: Compare['relation'], value: number): Match =>
  compare({ at: key.length, bytes: 4, order: 'host', value }, relation);

/** Matches every packet: each length is at least 0. */
export const everything: Match = hasLength('>=', 0);

export type Side = 'src' | 'dst';
const sides = (side: Side | undefined, one: (side: Side) => Match): Match =>
  side === undefined ? any(one('src'), one('dst')) : one(side);

export function hasPort(side: Side | undefined, { from, to }: { from: number; to: number }): Match {
  const port = (which: Side): Match => {
    const field = {
      at: which === 'src' ? key.sourcePort : key.destinationPort,
      bytes: 2,
      order: 'network',
    } as const;
    if (from === to) return compare({ ...field, value: from });
    return all(compare({ ...field, value: from }, '>='), compare({ ...field, value: to }, '<='));
  };
  return all(number(key.hasPorts, 1, 1), sides(side, port));
}

/** `address` in network order, of 4 or 16 bytes; only its first `bits` count. */
export function hasAddress(
  side: Side | undefined,
  { address, bits }: { address: Uint8Array; bits: number },
): Match {
  const words = Array.from({ length: address.length / 4 }, (_, index) => index);
  const at = (which: Side): number => (which === 'src' ? key.source : key.destination);
  const one = (which: Side): Match =>
    all(
      ...words.flatMap((word) => {
        const left = Math.min(32, Math.max(0, bits - word * 32));
        const mask = left === 0 ? 0 : (0xffff_ffff << (32 - left)) >>> 0;
        const value = (Buffer.from(address).readUInt32BE(word * 4) & mask) >>> 0;
        if (mask === 0) return [];
        return [compare({ at: at(which) + word * 4, bytes: 4, order: 'network', mask, value })];
      }),
    );
  return all(isFamily(address.length === 4 ? 4 : 6), sides(side, one));
}

/** The first six bytes of a packet are where it goes, the next six where it comes from. */
export function hasMac(side: Side | undefined, mac: Uint8Array): Match {
  const bytes = Buffer.from(mac);
  const one = (which: Side): Match => {
    const at = key.packet + (which === 'dst' ? 0 : 6);
    return all(
      compare({ at, bytes: 4, order: 'network', value: bytes.readUInt32BE(0) }),
      compare({ at: at + 4, bytes: 2, order: 'network', value: bytes.readUInt16BE(4) }),
    );
  };
  return sides(side, one);
}

/** How many comparisons a match makes at most. */
export function comparesOf(match: Match): number {
  if (match.kind === 'compare') return 1;
  if (match.kind === 'not') return comparesOf(match.of);
  return match.of.reduce((sum, one) => sum + comparesOf(one), 0);
}
