/** 9021 → `9,021`. */
export const count = (value: number): string => value.toLocaleString('en-US');

/** `sha256:` and the first twelve digits: enough for people to tell digests apart. */
export const shortDigest = (digest: string): string => digest.replace(/^(sha\d+:.{12}).*$/, '$1');

/** `2026-11-22T04:46:16.123Z` → `2026-11-22 04:46:16`, UTC. */
export const moment = (at: string): string => at.slice(0, 19).replace('T', ' ');

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ['KiB', 'MiB', 'GiB'];
  let amount = value / 1024;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${amount.toFixed(amount < 10 ? 1 : 0)} ${units[unit]!}`;
}

export const plural = (number: number, noun: string): string =>
  `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
