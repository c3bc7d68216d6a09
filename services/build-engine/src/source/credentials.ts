import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cannot, L3afError } from '@l3af/contracts';

/** A credential that the builder holds: `user:password` or a token for https, a private key for ssh. */
export interface GitCredential {
  name: string;
  secret: string;
}

const safeName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/**
 * Looks a credential up by the name that a request gives: the file of that name in `L3AF_CREDENTIALS_DIR`, else the
 * variable `L3AF_GIT_CREDENTIAL_<NAME>`. The secret goes into no event, log or argument list.
 */
export async function findCredential(name: string, folder: string | undefined): Promise<GitCredential> {
  if (!safeName.test(name)) throw missing(name, 'it is no valid name');
  const file =
    folder === undefined ? undefined : await readFile(join(folder, name), 'utf8').catch(() => undefined);
  const secret = file ?? process.env[`L3AF_GIT_CREDENTIAL_${name.toUpperCase().replaceAll('-', '_')}`];
  if (secret === undefined) throw missing(name, 'the builder holds none of this name');
  return { name, secret };
}

const missing = (name: string, state: string): L3afError =>
  new L3afError('source-unavailable', cannot('use', 'credential', name, state));

/** How git is told: through its environment, and only for the host that the request names. */
export async function credentialEnvironment(
  credential: GitCredential | undefined,
  { url, home }: { url: string; home: string },
): Promise<NodeJS.ProcessEnv> {
  const hosts = `-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=${join(home, 'known_hosts')}`;
  const ssh = `ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=20 ${hosts}`;
  if (!credential) return { GIT_SSH_COMMAND: ssh };
  if (credential.secret.includes('PRIVATE KEY')) {
    const key = join(home, 'id');
    await writeFile(key, credential.secret.endsWith('\n') ? credential.secret : `${credential.secret}\n`, {
      mode: 0o600,
    });
    return { GIT_SSH_COMMAND: `${ssh} -o IdentitiesOnly=yes -i ${key}` };
  }
  const secret = credential.secret.trim();
  const pair = secret.includes(':') ? secret : `x-access-token:${secret}`;
  const { protocol, host } = new URL(url);
  return {
    GIT_SSH_COMMAND: ssh,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${protocol}//${host}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(pair).toString('base64')}`,
  };
}
