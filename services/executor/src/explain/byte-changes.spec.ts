import fc from 'fast-check';
import { byteChanges } from './byte-changes';

describe('byteChanges()', () => {
  it('names each run of changed bytes', () => {
    expect(byteChanges(Buffer.from('0011223344', 'hex'), Buffer.from('00ff2233ee', 'hex'))).toEqual([
      { offset: 1, before: '11', after: 'ff' },
      { offset: 4, before: '44', after: 'ee' },
    ]);
  });

  it('applied to the packet before gives the packet after', () => {
    const pair = fc.integer({ min: 0, max: 64 }).chain((length) => {
      const bytes = fc.uint8Array({ minLength: length, maxLength: length });
      return fc.tuple(bytes, bytes);
    });
    fc.assert(
      fc.property(pair, ([before, after]) => {
        const result = Uint8Array.from(before);
        for (const change of byteChanges(before, after))
          result.set(Buffer.from(change.after, 'hex'), change.offset);
        expect(result).toEqual(after);
      }),
    );
  });
});
