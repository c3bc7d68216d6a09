import type { ConfigValue } from '@l3af/contracts';

/** Adds up what the CPUs counted: numbers are summed, text is that of the first CPU. */
export function sumOf(values: readonly ConfigValue[]): ConfigValue {
  const [first = null] = values;
  if (isNumber(first))
    return String(values.reduce<bigint>((sum, value) => sum + BigInt(value as string), 0n));
  if (first === null || typeof first !== 'object') return first;
  if (Array.isArray(first)) {
    return first.map((_, index) => sumOf(values.map((value) => (value as ConfigValue[])[index] ?? null)));
  }
  return Object.fromEntries(
    Object.keys(first).map((key) => [
      key,
      sumOf(values.map((value) => (value as Record<string, ConfigValue>)[key] ?? null)),
    ]),
  );
}

const isNumber = (value: ConfigValue): boolean =>
  (typeof value === 'number' && Number.isInteger(value)) ||
  (typeof value === 'string' && /^-?(\d+|0x[0-9a-f]+)$/i.test(value));

/** Where `actual` is not as `expected` says; empty when it is. Fields that `expected` leaves out are not compared. */
export function differences(expected: ConfigValue, actual: ConfigValue | undefined, path: string): string[] {
  if (actual === undefined)
    return expected === null ? [] : [`${path}: no entry, expected ${shown(expected)}`];
  if (expected === null) return [`${path}: is ${shown(actual)}, expected no entry`];
  if (typeof expected !== 'object') {
    return isSame(expected, actual) ? [] : [`${path}: is ${shown(actual)}, expected ${shown(expected)}`];
  }
  if (typeof actual !== 'object' || actual === null) {
    return [`${path}: is ${shown(actual)}, expected ${shown(expected)}`];
  }
  return Object.entries(expected).flatMap(([key, part]) =>
    differences(part, (actual as Record<string, ConfigValue>)[key], `${path}.${key}`),
  );
}

function isSame(expected: ConfigValue, actual: ConfigValue): boolean {
  if (isNumber(expected) && isNumber(actual)) return BigInt(expected as string) === BigInt(actual as string);
  return String(expected).toLowerCase() === String(actual).toLowerCase();
}

const shown = (value: ConfigValue): string => JSON.stringify(value);
