import type { TrustedSigner } from '@l3af/contracts';

/** Whether a package's name matches a pattern, in which `*` stands for anything, slashes included. */
export function matchesPattern(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === pattern;
  const last = rest.pop()!;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/** The signers that are trusted for a package; no pattern at all means every package. */
export function trustedFor(name: string, signers: readonly TrustedSigner[]): TrustedSigner[] {
  return signers.filter(
    ({ packages }) => packages.length === 0 || packages.some((pattern) => matchesPattern(name, pattern)),
  );
}
