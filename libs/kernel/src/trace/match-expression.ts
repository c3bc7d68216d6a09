import { cannot, L3afError } from '@l3af/contracts';
import { parseMac, parsePrefix } from '@l3af/bpf-object';
import {
  comparesOf,
  everything,
  hasAddress,
  hasLength,
  hasMac,
  hasPort,
  hasVlan,
  isEtherType,
  isFamily,
  isProtocol,
  type Match,
  type Side,
} from './match';
import { MatchTokens, type Token } from './match-tokens';

const textMax = 1000;
/** Each one is a few instructions in front of every packet. */
const comparesMax = 100;

/**
 * Reads an expression such as `tcp and dst port 443 and not src 10.0.0.0/8`. Like tcpdump's, with one difference: `and` and `or` beside
 * each other need parentheses. Throws `invalid-match`, which names the position.
 */
export function parseMatch(text: string): Match {
  if (text.length > textMax)
    throw tooLarge(text, `it has ${text.length} characters, needs at most ${textMax}`);
  const tokens = new MatchTokens(text);
  const match = expression(tokens);
  const rest = tokens.peek();
  if (rest)
    throw tokens.refuse(rest, rest.text === ')' ? 'nothing was opened' : 'needs "and" or "or" before it');
  const compares = comparesOf(match);
  if (compares > comparesMax)
    throw tooLarge(text, `it makes ${compares} comparisons, needs at most ${comparesMax}`);
  return match;
}

const tooLarge = (text: string, state: string): L3afError =>
  new L3afError('invalid-match', cannot('read', 'match', `${text.slice(0, 40)}…`, state));

const joints: Record<string, 'all' | 'any'> = { and: 'all', '&&': 'all', or: 'any', '||': 'any' };

function expression(tokens: MatchTokens): Match {
  const of = [negation(tokens)];
  const kind = joints[tokens.peek()?.text ?? ''];
  if (kind === undefined) return of[0] ?? everything;
  for (
    let joint = tokens.takeIf(...Object.keys(joints));
    joint;
    joint = tokens.takeIf(...Object.keys(joints))
  ) {
    if (joints[joint.text] !== kind)
      throw tokens.refuse(joint, 'it mixes "and" with "or", needs parentheses');
    of.push(negation(tokens));
  }
  return { kind, of };
}

function negation(tokens: MatchTokens): Match {
  if (tokens.takeIf('not', '!')) return { kind: 'not', of: negation(tokens) };
  if (!tokens.takeIf('(')) return condition(tokens);
  const inner = expression(tokens);
  const close = tokens.take('")"');
  if (close.text !== ')') throw tokens.refuse(close, 'needs "and", "or" or ")"');
  return inner;
}

/** Words that stand for a condition, some of them with what follows. */
const conditions: Record<string, (tokens: MatchTokens) => Match> = {
  any: () => everything,
  ip: (tokens) => withMore(tokens, isEtherType(0x0800)),
  ip6: (tokens) => withMore(tokens, isEtherType(0x86dd)),
  arp: () => isEtherType(0x0806),
  tcp: (tokens) => withMore(tokens, isProtocol(6)),
  udp: (tokens) => withMore(tokens, isProtocol(17)),
  sctp: (tokens) => withMore(tokens, isProtocol(132)),
  icmp: () => ({ kind: 'all', of: [isFamily(4), isProtocol(1)] }),
  icmp6: () => ({ kind: 'all', of: [isFamily(6), isProtocol(58)] }),
  proto: (tokens) => isProtocol(protocol(tokens)),
  src: (tokens) => sided(tokens, 'src'),
  dst: (tokens) => sided(tokens, 'dst'),
  host: (tokens) => address(tokens, undefined),
  net: (tokens) => address(tokens, undefined),
  port: (tokens) => port(tokens, undefined),
  portrange: (tokens) => portRange(tokens, undefined),
  ether: (tokens) => ether(tokens),
  vlan: (tokens) => vlan(tokens),
  len: (tokens) => length(tokens),
  less: (tokens) => hasLength('<=', integer(tokens, 'a length', 0xffff_ffff)),
  greater: (tokens) => hasLength('>=', integer(tokens, 'a length', 0xffff_ffff)),
};
const known = Object.keys(conditions).join(', ');

function condition(tokens: MatchTokens): Match {
  const word = tokens.take(`a condition: ${known}`);
  const read = Object.hasOwn(conditions, word.text) ? conditions[word.text] : undefined;
  if (read) return read(tokens);
  throw tokens.refuse(word, `needs a condition: ${known}`);
}

/** `tcp port 80` is `tcp and port 80`. */
function withMore(tokens: MatchTokens, match: Match): Match {
  const more = ['src', 'dst', 'host', 'net', 'port', 'portrange', 'proto'];
  return more.includes(tokens.peek()?.text ?? '') ? { kind: 'all', of: [match, condition(tokens)] } : match;
}

function sided(tokens: MatchTokens, side: Side): Match {
  if (tokens.takeIf('port')) return port(tokens, side);
  if (tokens.takeIf('portrange')) return portRange(tokens, side);
  tokens.takeIf('host', 'net');
  return address(tokens, side);
}

function address(tokens: MatchTokens, side: Side | undefined): Match {
  const token = tokens.take('an address or a prefix');
  const prefix = parsePrefix(token.text, 4) ?? parsePrefix(token.text, 16);
  if (prefix) return hasAddress(side, prefix);
  throw tokens.refuse(token, 'needs an address or a prefix, such as 192.0.2.1 or 2001:db8::/32');
}

function port(tokens: MatchTokens, side: Side | undefined): Match {
  const value = integer(tokens, 'a port', 0xffff);
  return hasPort(side, { from: value, to: value });
}

function portRange(tokens: MatchTokens, side: Side | undefined): Match {
  const token = tokens.take('two ports');
  const [from, to] = (/^(\d{1,5})-(\d{1,5})$/.exec(token.text) ?? []).slice(1).map(Number);
  if (from === undefined || to === undefined || from > to || to > 0xffff)
    throw tokens.refuse(token, 'needs two ports, the lower first, such as 8000-8999');
  return hasPort(side, { from, to });
}

const protocols: Record<string, number> = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
  icmp6: 58,
  ospf: 89,
  sctp: 132,
};

function protocol(tokens: MatchTokens): number {
  const named = tokens.takeIf(...Object.keys(protocols));
  if (named) return protocols[named.text] ?? 0;
  return integer(tokens, `a protocol (${Object.keys(protocols).join(', ')})`, 255);
}

function ether(tokens: MatchTokens): Match {
  const what = tokens.take('type, src, dst or host');
  if (what.text === 'type' || what.text === 'proto')
    return isEtherType(integer(tokens, 'an EtherType', 0xffff));
  if (!['src', 'dst', 'host'].includes(what.text)) throw tokens.refuse(what, 'needs type, src, dst or host');
  const token = tokens.take('a hardware address');
  const mac = parseMac(token.text);
  if (!mac) throw tokens.refuse(token, 'needs a hardware address, such as 02:00:5e:10:00:01');
  return hasMac(what.text === 'host' ? undefined : (what.text as Side), mac);
}

function vlan(tokens: MatchTokens): Match {
  const isNumber = /^\d/.test(tokens.peek()?.text ?? '');
  return hasVlan(isNumber ? integer(tokens, 'a VLAN', 4095) : undefined);
}

function length(tokens: MatchTokens): Match {
  const sign = tokens.take('<, <=, =, >= or >');
  const value = (): number => integer(tokens, 'a length', 0xffff_ffff);
  switch (sign.text) {
    case '<=':
      return hasLength('<=', value());
    case '>=':
      return hasLength('>=', value());
    case '=':
    case '==':
      return hasLength('=', value());
    case '<':
      return { kind: 'not', of: hasLength('>=', value()) };
    case '>':
      return { kind: 'not', of: hasLength('<=', value()) };
    default:
      throw tokens.refuse(sign, 'needs <, <=, =, >= or >');
  }
}

function integer(tokens: MatchTokens, what: string, max: number): number {
  const token: Token = tokens.take(what);
  const value = /^(\d{1,10}|0x[0-9a-fA-F]{1,8})$/.test(token.text) ? Number(token.text) : NaN;
  if (value <= max) return value;
  throw tokens.refuse(token, `needs ${what}, at most ${max}`);
}
