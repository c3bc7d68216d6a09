import { readFile } from 'node:fs/promises';
import { cannot, L3afError } from '@l3af/contracts';

/** Reads the key each time it is needed, so that a new one counts at once. */
export async function readSigningKey(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const state = 'it cannot be read, needs a PKCS8 PEM file';
    throw new L3afError('invalid-environment', cannot('use', 'signing key', path, state), { cause });
  }
}
