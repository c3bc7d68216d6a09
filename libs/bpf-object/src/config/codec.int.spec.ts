import fc from 'fast-check';
import type { MapSchema } from '@l3af/contracts';
import { deriveSchema } from '../schema';
import { compileStripped as compile } from '@l3af/testing';
import { sample } from '../testing/sample';
import { decodeKey, encodeKey, keyText } from './key';
import { decodeMapValue, encodeMapValue } from './map-value';

describe.each([
  ['bpfel', false],
  ['bpfeb', true],
] as const)('values of an object compiled for %s', (target, bigEndian) => {
  const schema = deriveSchema(compile(sample, { target }));
  const map = (name: string): MapSchema => schema.maps.find((candidate) => candidate.name === name)!;
  const random = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });

  it('prints keys as people write them', () => {
    const printed = (name: string, hex: string) => {
      const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
      return decodeKey(map(name), bytes, { bigEndian });
    };
    expect(printed('rules', '06000050')).toBe('tcp/80');
    expect(printed('rules', '63000050')).toBe('99/80');
    expect(printed('blocked_ips', 'c0000201')).toBe('192.0.2.1');
    expect(printed('by_protocol', bigEndian ? '00000011' : '11000000')).toBe('udp');
    expect(printed('flows', 'c0000201c00002020050d903')).toMatchObject({
      saddr: '192.0.2.1',
      daddr: '192.0.2.2',
      sport: 80,
      dport: 55555,
    });
  });

  it('reads keys in each of their forms', () => {
    const hex = (name: string, key: string) =>
      Buffer.from(encodeKey(map(name), key, { bigEndian })).toString('hex');
    expect(hex('rules', 'tcp/80')).toBe('06000050');
    expect(hex('rules', 'protocol=udp,port=53')).toBe('11000035');
    expect(hex('rules', '{"protocol": 6, "port": 443}')).toBe('060001bb');
    expect(hex('flows', 'saddr=192.0.2.1,dport=80')).toBe('c0000201' + '00000000' + '00000050');
  });

  it('refuses members of a union that disagree', () => {
    const key = { spi: 1, sport: 80, dport: 80 };
    expect(() => encodeKey(map('flows'), key, { bigEndian, path: 'config.flows' })).toThrow(
      /config\.flows\.(sport|dport): shares its bytes with another field/,
    );
  });

  it('keeps every key through print and read', () => {
    for (const name of ['rules', 'flows', 'blocked_ips', 'by_protocol']) {
      const property = fc.property(random(map(name).keyBytes), (bytes) => {
        if (name === 'rules') bytes[1] = 0; // padding
        const key = decodeKey(map(name), bytes, { bigEndian });
        expect(encodeKey(map(name), key, { bigEndian })).toEqual(bytes);
        expect(encodeKey(map(name), keyText(key), { bigEndian })).toEqual(bytes);
      });
      fc.assert(property);
    }
  });

  it('keeps every value through print and read', () => {
    const property = fc.property(random(13), (given) => {
      const value = new Uint8Array(16);
      value.set(given); // three bytes of padding stay zero
      expect(
        encodeMapValue(map('rate_limit'), decodeMapValue(map('rate_limit'), value, { bigEndian }), {
          bigEndian,
        }),
      ).toEqual(value);
    });
    fc.assert(property);
  });
});
