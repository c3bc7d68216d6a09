import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cannot, L3afError, trustChangedSchema } from '@l3af/contracts';
import type { Trusted } from '@l3af/contracts';
import { z } from 'zod';
import { signersOfPem } from './keys';

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

/** Those who are trusted for a package; no pattern at all means every package. */
export function trustedFor<T extends { packages: string[] }>(name: string, trusted: readonly T[]): T[] {
  return trusted.filter(
    ({ packages }) => packages.length === 0 || packages.some((pattern) => matchesPattern(name, pattern)),
  );
}

const trustFileSchema = z.strictObject({
  signers: trustChangedSchema.shape.data.shape.signers.default([]),
  identities: trustChangedSchema.shape.data.shape.identities.default([]),
  trustedRoots: trustChangedSchema.shape.data.shape.trustedRoots.default([]),
});

/** Reads trust from a JSON text: what `PUT /v1/trust/GROUP` takes, without `revoked`. Throws `invalid-document`. */
export function readTrust(text: string, file: string): Trusted {
  try {
    return trustFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    const state = cause instanceof z.ZodError ? z.prettifyError(cause) : 'it is not JSON';
    throw new L3afError('invalid-document', cannot('read', 'trust', file, state), { cause });
  }
}

/** Reads whom a service trusts by itself, from a file or each of a folder: public keys (PEM), or JSON as for {@link readTrust}. */
export function readTrustFiles(path: string): Trusted[] {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.(pem|pub|json)$/.test(name))
        .map((name) => join(path, name))
    : [path];
  return files.map((file) => {
    const text = readFileSync(file, 'utf8');
    return file.endsWith('.json') ? readTrust(text, file) : { signers: signersOfPem(text, basename(file)) };
  });
}
