import fc from 'fast-check';
import { parseAddress, parseIpv4, parseIpv6, parsePrefix, printAddress, printPrefix } from './address';

const address = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });

describe('addresses', () => {
  it.each([
    ['192.0.2.1', 'c0000201'],
    ['0.0.0.0', '00000000'],
    ['300.0.0.0', undefined],
    ['1.2.3', undefined],
    ['1.2.3.04', undefined],
    ['', undefined],
  ])('reads IPv4 %s', (text, hex) => {
    const bytes = parseIpv4(text);
    expect(bytes && Buffer.from(bytes).toString('hex')).toBe(hex);
  });

  it.each([
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['2001:db8::', `20010db8${'00'.repeat(12)}`],
    ['::ffff:192.0.2.1', `${'00'.repeat(10)}ffffc0000201`],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    [':::', undefined],
    ['1::2::3', undefined],
    ['1:2:3:4:5:6:7:8:9', undefined],
    ['1:2:3:4:5:6:7', undefined],
    ['12345::', undefined],
    ['fe80::1%eth0', undefined],
  ])('reads IPv6 %s', (text, hex) => {
    const bytes = parseIpv6(text);
    expect(bytes && Buffer.from(bytes).toString('hex')).toBe(hex);
  });

  it('prints what it reads, and reads what it prints', () => {
    fc.assert(
      fc.property(address(4), (bytes) => expect(parseAddress(printAddress(bytes), 4)).toEqual(bytes)),
    );
    const zeros = fc
      .tuple(address(16), fc.nat(16), fc.nat(16))
      .map(([bytes, from, to]) => bytes.fill(0, from, to));
    fc.assert(fc.property(zeros, (bytes) => expect(parseAddress(printAddress(bytes), 16)).toEqual(bytes)));
  });

  it('prints as RFC 5952 says', () => {
    const printed = (text: string) => printAddress(parseIpv6(text)!);
    expect(printed('2001:DB8:0:0:1:0:0:1')).toBe('2001:db8::1:0:0:1');
    expect(printed('2001:db8:0:1:1:1:1:1')).toBe('2001:db8:0:1:1:1:1:1');
    expect(printed('::ffff:10.0.0.1')).toBe('10.0.0.1');
  });

  it('keeps every prefix through print and read', () => {
    const prefix = (size: 4 | 16) => fc.tuple(address(size), fc.nat(size * 8));
    for (const size of [4, 16] as const) {
      fc.assert(
        fc.property(prefix(size), ([bytes, bits]) => {
          const clear = parsePrefix(`${size === 16 ? ipv6Text(bytes) : printAddress(bytes)}/${bits}`, size)!;
          expect(clear.bits).toBe(bits);
          expect(parsePrefix(printPrefix(clear), size)).toEqual(clear);
        }),
      );
    }
  });
});

const ipv6Text = (bytes: Uint8Array): string =>
  Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  ).join(':');
