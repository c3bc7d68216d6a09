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

/** Whom git believes: files that the builder has. */
export interface GitTrust {
  /** PEM certificates of authorities, beside the system's. */
  authorities?: string | undefined;
  /** In OpenSSH's format. With it a host that is not in it is refused; without, its key is taken as it comes. */
  knownHosts?: string | undefined;
}

const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt';

/** What a builder's settings name, read when it is needed; `known_hosts` lies beside the credentials. */
export async function readTrust(
  folder: string | undefined,
  authorities: string | undefined,
): Promise<GitTrust> {
  const knownHosts =
    folder === undefined
      ? undefined
      : await readFile(join(folder, 'known_hosts'), 'utf8').catch(() => undefined);
  if (authorities === undefined) return { knownHosts };
  const pem = await readFile(authorities, 'utf8').catch((cause: unknown) => {
    const state = 'it cannot be read, needs a file of PEM certificates';
    throw new L3afError('invalid-environment', cannot('use', 'file of authorities', authorities, state), {
      cause,
    });
  });
  const known = await readFile(systemAuthorities, 'utf8').catch(() => '');
  return { knownHosts, authorities: `${known}\n${pem}` };
}

interface Access {
  credential: GitCredential | undefined;
  trust: GitTrust | undefined;
  url: string;
  /** git's own folder. */
  home: string;
}

/** How git is told of credentials and trust: through its environment, and a credential only for the host that the request names. */
export async function accessEnvironment({
  credential,
  trust = {},
  url,
  home,
}: Access): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  if (trust.authorities !== undefined) {
    env['GIT_SSL_CAINFO'] = join(home, 'authorities.pem');
    await writeFile(env['GIT_SSL_CAINFO'], trust.authorities);
  }
  const hosts = join(home, 'known_hosts');
  await writeFile(hosts, trust.knownHosts ?? '');
  const strict = trust.knownHosts === undefined ? 'accept-new' : 'yes';
  const ssh = [
    ...['ssh', '-F', '/dev/null', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20'],
    ...['-o', `StrictHostKeyChecking=${strict}`, '-o', `UserKnownHostsFile=${hosts}`],
    ...['-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none'],
  ];
  if (credential?.secret.includes('PRIVATE KEY')) {
    const key = join(home, 'id');
    await writeFile(key, credential.secret.endsWith('\n') ? credential.secret : `${credential.secret}\n`, {
      mode: 0o600,
    });
    ssh.push('-i', key);
  } else if (credential) Object.assign(env, headerFor(credential, url));
  return { ...env, GIT_SSH_COMMAND: ssh.join(' ') };
}

/** A header for the host alone; a host that leads elsewhere would be told it, too, so none may. */
function headerFor({ secret, name }: GitCredential, url: string): Record<string, string> {
  if (!URL.canParse(url)) throw missing(name, 'it is no ssh private key, which this URL needs');
  const pair = secret.trim().includes(':') ? secret.trim() : `x-access-token:${secret.trim()}`;
  const { protocol, host } = new URL(url);
  return {
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: `http.${protocol}//${host}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(pair).toString('base64')}`,
    GIT_CONFIG_KEY_1: 'http.followRedirects',
    GIT_CONFIG_VALUE_1: 'false',
  };
}
