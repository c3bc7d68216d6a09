import { withClock } from './clock-values';
import { differences, sumOf } from './compare';

describe('differences', () => {
  test.each([
    [{ a: 1 }, { a: 1, b: 2 }, []],
    [{ a: 1 }, { a: '1' }, []],
    ['0x10', 16, []],
    ['drop', 'DROP', []],
    [{ a: { b: 2 } }, { a: { b: 3 } }, ['m.a.b: is 3, expected 2']],
    [{ c: 1 }, { a: 1 }, ['m.c: no entry, expected 1']],
    [{ a: 1 }, undefined, ['m: no entry, expected {"a":1}']],
    [null, undefined, []],
    [null, 5, ['m: is 5, expected no entry']],
    [[1, 2], [1, 3], ['m.1: is 3, expected 2']],
    [{ a: 1 }, 7, ['m: is 7, expected {"a":1}']],
  ])('of %j in %j', (expected, actual, found) => {
    expect(differences(expected, actual, 'm')).toEqual(found);
  });
});

test('the values of all CPUs are added up, beyond 2^53 as well', () => {
  expect(
    sumOf([
      { packets: 1, bytes: '9007199254740993' },
      { packets: 2, bytes: 1 },
    ]),
  ).toEqual({
    packets: '3',
    bytes: '9007199254740994',
  });
  expect(
    sumOf([
      [1, 2],
      [3, 4],
    ]),
  ).toEqual(['4', '6']);
  expect(sumOf([])).toBeNull();
});

describe('withClock', () => {
  test.each([
    ['now', '5000000000'],
    ['now - 500ms', '4500000000'],
    ['now+1s', '6000000000'],
    ['now - 1.5 s', '3500000000'],
    ['now - 1h', '0'],
    ['nowhere', 'nowhere'],
  ])('%s', (text, expected) => {
    expect(withClock({ a: [text] }, 5_000_000_000n)).toEqual({ a: [expected] });
  });
});
