import type { ConfigValue } from '@l3af/contracts';
import { refuse, shown } from './refuse';

export interface IntegerRange {
  bits: number;
  signed: boolean;
}

export const rangeOf = ({ bits, signed }: IntegerRange): { least: bigint; most: bigint } =>
  signed
    ? { least: -(1n << BigInt(bits - 1)), most: (1n << BigInt(bits - 1)) - 1n }
    : { least: 0n, most: (1n << BigInt(bits)) - 1n };

const integerText = /^[+-]?(\d+|0[xX][0-9a-fA-F]+)$/;

/** Reads `80`, `"80"`, `"0x50"`, `"-1"`; undefined for anything that is no integer. */
export function parseInteger(value: ConfigValue): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  // Long texts are refused before they are turned into numbers: that takes quadratic time.
  if (typeof value !== 'string' || value.length > 80 || !integerText.test(value)) return undefined;
  const magnitude = BigInt(value.replace(/^[+-]/, ''));
  return value.startsWith('-') ? -magnitude : magnitude;
}

/** An integer within range, or the error that names the path and the range. */
export function integerWithin(value: ConfigValue, range: IntegerRange, path: string): bigint {
  const { least, most } = rangeOf(range);
  const integer = parseInteger(value);
  if (integer === undefined) {
    const tooLarge = typeof value === 'number' && Number.isInteger(value);
    const advice = tooLarge
      ? 'is beyond 2^53, write it as text'
      : `is no integer, needs one from ${least} to ${most}`;
    throw refuse(path, `${shown(value)} ${advice}`);
  }
  if (integer < least || integer > most) {
    throw refuse(path, `${shown(value)} is out of range, needs ${least} to ${most}`);
  }
  return integer;
}

/** Integers beyond 2^53 are written as decimal text: JSON numbers would lose digits. */
export const printInteger = (value: bigint): number | string =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();

/** Writes an integer in two's complement. */
export function writeInteger(target: Uint8Array, value: bigint, bigEndian: boolean): void {
  let rest = BigInt.asUintN(target.length * 8, value);
  for (let index = 0; index < target.length; index++) {
    target[bigEndian ? target.length - 1 - index : index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

export function readInteger(
  source: Uint8Array,
  { signed, bigEndian }: { signed: boolean; bigEndian: boolean },
): bigint {
  let value = 0n;
  for (let index = 0; index < source.length; index++) {
    value = (value << 8n) | BigInt(source[bigEndian ? index : source.length - 1 - index] ?? 0);
  }
  return signed ? BigInt.asIntN(source.length * 8, value) : value;
}
