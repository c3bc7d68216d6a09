import type { ConfigValue, ValueType } from '@l3af/contracts';
import { parseInteger } from './integer';
import { refuse, shown } from './refuse';
import { didYouMean } from './suggest';

type Enumeration = Extract<ValueType, { kind: 'enum' }>;

/** The part up to the last underscore that all names share: `ACTION_` of ACTION_PASS and ACTION_DROP. */
function commonPrefix(names: readonly string[]): string {
  const [first = '', ...others] = names;
  if (others.length === 0) return '';
  let length = first.length;
  for (const name of others) {
    while (!name.startsWith(first.slice(0, length))) length--;
  }
  const prefix = first.slice(0, first.slice(0, length).lastIndexOf('_') + 1);
  const isUsable = names.every((name) => /^[A-Za-z]/.test(name.slice(prefix.length)));
  return isUsable ? prefix : '';
}

/** The names as people write them, lower case and without the common prefix, by number. */
export function shortNames(type: Enumeration): [name: string, value: number][] {
  const prefix = commonPrefix(Object.keys(type.values));
  return Object.entries(type.values).map(([name, value]) => [name.slice(prefix.length).toLowerCase(), value]);
}

/** The number of an enum constant given by name (any case, with or without the common prefix) or by number. */
export function enumNumber(type: Enumeration, value: ConfigValue, path: string): bigint {
  const short = shortNames(type);
  const integer = parseInteger(value);
  if (integer !== undefined && short.some(([, known]) => BigInt(known) === integer)) return integer;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  const full = Object.entries(type.values).find(([name]) => name.toLowerCase() === text);
  const found = full ?? short.find(([name]) => name === text);
  if (found) return BigInt(found[1]);
  const names = short.map(([name]) => name);
  throw refuse(path, `${shown(value)} is none of its values, ${didYouMean(String(text), names)}`, {
    known: names,
  });
}

export function enumName(type: Enumeration, number: bigint): string | undefined {
  return shortNames(type).find(([, value]) => BigInt(value) === number)?.[0];
}
