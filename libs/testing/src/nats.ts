import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, startChild, type Child } from './child';
import { waitFor } from './wait-for';

export interface NatsOptions {
  /** Default true. */
  jetStream?: boolean;
  /** More lines of its configuration file. */
  config?: string;
}

/** A nats-server of a test's own. */
export interface TestNats extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly serverName: string;
  readonly storeDir: string;
  /** Takes it away and keeps what it stored; `SIGKILL` is the default, since that is what a crash is. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Halts it if it runs and starts it again: same port, same store. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** The end: the process and its store are gone. */
  stop(): Promise<void>;
}

/** Starts a nats-server on a free port of 127.0.0.1 with a store of its own. */
export async function startNats(options: NatsOptions = {}): Promise<TestNats> {
  const dir = await mkdtemp(join(tmpdir(), 'l3af-nats-'));
  const serverName = `test-${randomUUID()}`;
  const run = (port: number): Promise<Running> => launch({ dir, serverName, port, ...options });
  let running = await run(-1);
  const { port } = running;
  const halt = (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => running.child.stop(signal);
  const stop = async (): Promise<void> => {
    await halt();
    await rm(dir, { recursive: true, force: true });
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    serverName,
    storeDir: join(dir, 'store'),
    halt,
    stop,
    async restart(signal) {
      await halt(signal);
      running = await run(port);
    },
    [Symbol.asyncDispose]: stop,
  };
}

interface Running {
  child: Child;
  port: number;
}

async function launch(
  options: NatsOptions & { dir: string; serverName: string; port: number },
): Promise<Running> {
  const file = join(options.dir, 'nats.conf');
  const store = join(options.dir, 'store');
  await writeFile(
    file,
    [
      `server_name: "${options.serverName}"`,
      'host: "127.0.0.1"',
      `port: ${options.port}`,
      ...((options.jetStream ?? true) ? [`jetstream { store_dir: "${store}" }`] : []),
      options.config ?? '',
    ].join('\n'),
  );
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };
  const child = startChild('nats-server', ['-c', file], { env });
  await waitFor(() => /Server is ready/.test(child.log()) || !isRunning(child), 'nats-server to be ready');
  // The name in the log is the proof that this server, and no other on the port, is the one that was started.
  const port = /client connections on 127\.0\.0\.1:(\d+)/.exec(child.log())?.[1];
  if (!isRunning(child) || !port || !child.log().includes(options.serverName)) {
    throw new Error(`Cannot start nats-server: ${child.log()}`);
  }
  return { child, port: Number(port) };
}
