import { type ConfigValue, L3afError } from '@l3af/contracts';

/** A configuration value that cannot be used: always `invalid-config`, always with its path. */
export function refuse(path: string, state: string, details: Record<string, unknown> = {}): L3afError {
  return new L3afError('invalid-config', `Cannot use ${path}: ${state}`, { details: { path, ...details } });
}

const shownMax = 60;

/** A value as an error shows it: short, and with its type visible. */
export function shown(value: ConfigValue | undefined): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value !== null && typeof value === 'object') return 'an object';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}
