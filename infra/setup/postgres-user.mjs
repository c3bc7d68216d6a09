// Postgres refuses to run as root; it runs as the user `postgres`, which Debian's own package would make, too.
import { readFileSync } from 'node:fs';
import { run } from './run.mjs';

const home = '/var/lib/postgresql';

/** The ids of a user from /etc/passwd; undefined when there is no such user. */
export function userIds(name) {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  if (!line) return undefined;
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

export function ensurePostgresUser(say) {
  if (process.getuid?.() !== 0 || userIds('postgres')) return;
  say('adding the system user "postgres", which the embedded database runs as');
  try {
    run('useradd', [
      '--system',
      '--user-group',
      '--home-dir',
      home,
      '--shell',
      '/usr/sbin/nologin',
      'postgres',
    ]);
  } catch (error) {
    if (!userIds('postgres')) throw error; // another start may have added it meanwhile
  }
}
