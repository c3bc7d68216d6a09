import fc from 'fast-check';
import { fromFields, fromValue, toFields, toValue, unsetNulls } from './values';

test('any JSON survives the way into a message and back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // JSON has no -0; a message has.
      const json = JSON.parse(JSON.stringify(value)) as never;
      expect(fromValue(toValue(json))).toEqual(json);
      expect(fromFields(toFields({ json }))).toEqual({ json });
    }),
  );
});

test('a value without a kind is null, and so is nothing at all', () => {
  expect(fromValue({})).toBeNull();
  expect(fromFields(undefined)).toEqual({});
});

test('null and undefined are fields that are not set, at any depth; falsy values are set', () => {
  const view = { a: null, b: { c: null, d: 0 }, e: [{ f: null, g: '' }], h: undefined, i: false };
  expect(unsetNulls(view)).toEqual({ b: { d: 0 }, e: [{ g: '' }], i: false });
});
