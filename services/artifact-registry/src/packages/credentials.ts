import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cannot, L3afError } from '@l3af/contracts';
import type { Credentials } from '@l3af/oci';

const safeName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/**
 * Credentials for another registry, by the name that a request gives: the file of that name in
 * `L3AF_CREDENTIALS_DIR` holds `user:password`. The secret goes into no request, event or log.
 */
export async function findCredentials(
  name: string | undefined,
  folder: string | undefined,
): Promise<Credentials | undefined> {
  if (name === undefined) return undefined;
  const refuse = (state: string): L3afError =>
    new L3afError('invalid-request', cannot('use', 'credentials', name, state));
  if (!safeName.test(name)) throw refuse('it is no valid name');
  const text =
    folder === undefined ? undefined : await readFile(join(folder, name), 'utf8').catch(() => undefined);
  if (text === undefined) throw refuse('the registry holds none of this name');
  const [username = '', ...password] = text.trim().split(':');
  if (password.length === 0) throw refuse('the file holds no user:password');
  return { username, password: password.join(':') };
}
