import type { ConfigValue } from '@l3af/contracts';

const written = /^now(?:\s*([+-])\s*(\d+(?:\.\d+)?)\s*(ns|us|ms|s|min|h))?$/;
const nanoseconds: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9 };

/** Replaces `now` and `now - 500ms` anywhere in a value by nanoseconds of the clock that bpf_ktime_get_ns reads. */
export function withClock(value: ConfigValue, now: bigint): ConfigValue {
  if (typeof value === 'string') return clockValue(value, now) ?? value;
  if (Array.isArray(value)) return value.map((element) => withClock(element, now));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withClock(part, now)]));
}

function clockValue(text: string, now: bigint): string | undefined {
  const match = written.exec(text);
  if (!match) return undefined;
  const [, sign, amount = '0', unit = 'ns'] = match;
  const distance = BigInt(Math.round(Number(amount) * (nanoseconds[unit] ?? 1)));
  const at = sign === '-' ? now - distance : now + distance;
  return String(at > 0n ? at : 0n);
}
