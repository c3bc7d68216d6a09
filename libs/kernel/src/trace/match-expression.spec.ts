import fc from 'fast-check';
import { assemble, exit, movImm, op } from '../glue/assembler';
import { decode } from '../glue/instructions';
import { matchCode } from './match-code';
import { parseMatch } from './match-expression';

test.each([
  ['', 1, 'needs a condition: any, ip'],
  ['   ', 4, 'needs a condition'],
  ['tpc', 1, 'needs a condition: any, ip'],
  ['tcp and prot 80', 9, '"prot" at position 9: needs a condition'],
  ['tcp udp', 5, 'needs "and" or "or" before it'],
  ['tcp and', 8, 'it ends at position 8'],
  ['ip and tcp or udp', 12, 'it mixes "and" with "or", needs parentheses'],
  ['(tcp or udp', 12, 'it ends at position 12: needs ")"'],
  ['(tcp or udp ip', 13, 'needs "and", "or" or ")"'],
  ['tcp)', 4, 'nothing was opened'],
  ['port 65536', 6, 'needs a port, at most 65535'],
  ['port http', 6, 'needs a port'],
  ['portrange 90-80', 11, 'needs two ports, the lower first'],
  ['src 300.1.1.1', 5, 'needs an address or a prefix'],
  ['net 10.0.0.0/33', 5, 'needs an address or a prefix'],
  ['host', 5, 'it ends at position 5: needs an address'],
  ['src or dst 10.0.0.1', 5, 'needs an address'],
  ['vlan 4096', 6, 'needs a VLAN, at most 4095'],
  ['ether kind 3', 7, 'needs type, src, dst or host'],
  ['ether src 2:0', 11, 'needs a hardware address'],
  ['len 80', 5, 'needs <, <=, =, >= or >'],
  ['len <', 6, 'needs a length'],
  ['proto ip', 7, 'needs a protocol'],
  ['tcp & udp', 5, 'needs "and" or "or" before it'],
  ['toString', 1, 'needs a condition'],
])('%j is refused at position %i: %s', (text, position, message) => {
  const expected = {
    code: 'invalid-match',
    details: { position },
    message: expect.stringContaining(message) as string,
  };
  expect(() => parseMatch(text)).toThrow(expect.objectContaining(expected) as Error);
});

test('what would be too large to run in front of every packet is refused', () => {
  const many = (count: number): string => Array.from({ length: count }, () => 'port 1').join(' or ');
  expect(() => parseMatch(many(33))).not.toThrow();
  expect(() => parseMatch(many(34))).toThrow('it makes 102 comparisons, needs at most 100');
  expect(() => parseMatch('('.repeat(1001))).toThrow('it has 1001 characters, needs at most 1000');
});

test.each([
  ['tcp port 80', 'tcp and port 80'],
  ['udp src net 10.0.0.0/8', 'udp and src 10.0.0.0/8'],
  ['src host 10.0.0.1', 'src 10.0.0.1/32'],
  ['net 10.1.2.3/8', 'net 10.0.0.0/8'],
  ['! tcp', 'not tcp'],
  ['ip6 and (tcp||udp)', 'ip6 && (tcp or udp)'],
  ['len=5', 'len == 5'],
  ['proto icmp6', 'proto 58'],
])('%j means %j', (one, other) => {
  expect(parseMatch(one)).toEqual(parseMatch(other));
});

test('whatever is typed is read or refused with a position', () => {
  const word = fc.constantFrom(
    'tcp',
    'ip',
    'and',
    'or',
    'not',
    '(',
    ')',
    'src',
    'port',
    '80',
    '10.0.0.0/8',
    'len',
    '<',
    'vlan',
    '::1',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 12 }), (words) => {
      const text = words.join(' ');
      let match;
      try {
        match = parseMatch(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid-match' });
        return;
      }
      // Every jump of its code stays inside, and none goes back: it ends.
      const ends = (label: string, verdict: number) => [{ label }, movImm(0, verdict), exit];
      const code = assemble([...matchCode(match, 'yes', 'no'), ...ends('yes', 1), ...ends('no', 0)]);
      for (const one of decode(code)) {
        if (![0x05, 0x06].includes(one.code & 7) || one.code === op.exit) continue;
        expect(one.off).toBeGreaterThanOrEqual(0);
        expect(one.index + one.off + 1).toBeLessThan(code.length / 8);
      }
    }),
  );
});
