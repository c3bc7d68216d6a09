import fc from 'fast-check';
import { L3afError } from '@l3af/contracts';
import { staticReport } from './report';
import { deriveSchema } from './schema';
import { compileStripped as compile } from '@l3af/testing';
import { sample } from './testing/sample';

const whole = compile(sample);

/** Reading either works or is refused as `invalid-object` with section and byte; nothing else may come out. */
function readsOrRefuses(bytes: Uint8Array): 'read' | 'refused' {
  try {
    deriveSchema(bytes);
    staticReport(bytes);
    return 'read';
  } catch (error) {
    if (!(error instanceof L3afError) || error.code !== 'invalid-object') throw error;
    expect(error.details).toMatchObject({ section: expect.any(String), offset: expect.any(Number) });
    expect(error.message).toMatch(/^Cannot read object section ".*": .* \(byte \d+\)$/s);
    return 'refused';
  }
}

describe('garbage', () => {
  it('reads the whole object', () => {
    expect(readsOrRefuses(whole)).toBe('read');
  });

  it('refuses every truncation', () => {
    for (let size = 0; size < whole.length; size += 7) {
      expect(readsOrRefuses(whole.subarray(0, size))).toBe('refused');
    }
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => readsOrRefuses(bytes) === 'refused'),
    );
  });

  it('survives any change of up to 24 bytes', () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 24 }), (changes) => {
      const bytes = Uint8Array.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      readsOrRefuses(bytes);
    });
    fc.assert(property, { numRuns: 3000 });
  });

  it('survives any word of the type information set to any value', () => {
    const magic = whole.findIndex(
      (byte, at) => byte === 0x9f && whole[at + 1] === 0xeb && whole[at + 2] === 1,
    );
    const change = fc.tuple(fc.nat(2000), fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 2 ** 32 - 1 })));
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = Uint8Array.from(whole);
      const view = new DataView(bytes.buffer);
      for (const [word, value] of changes) {
        const at = magic + word * 4;
        if (at + 4 <= bytes.length) view.setUint32(at, value, true);
      }
      readsOrRefuses(bytes);
    });
    fc.assert(property, { numRuns: 3000 });
  });
});
