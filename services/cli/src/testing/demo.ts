import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const root = join(__dirname, '../../../..');

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A whole L3AF of its own, as `npm run up` makes it. */
export interface Demo {
  home: string;
  /** Runs a script as a user types it, in the clone; commands find this L3AF. */
  shell(script: string): Promise<Ran>;
  /** Runs `npx l3af …` and parses its JSON; throws with what it said when it fails. */
  json(command: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** `npm run up -- --detach` with its own home and free ports; as root. */
export async function startDemo(): Promise<Demo> {
  const home = await mkdtemp(join(tmpdir(), 'l3af-home-'));
  const env = {
    ...process.env,
    L3AF_HOME: home,
    L3AF_VERIFY_KERNELS: 'off',
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    L3AF_API: undefined,
  };
  const shell = (script: string) => run('bash', ['-euo', 'pipefail', '-c', script], env);
  const stop = async () => {
    await shell('npm run down -- --reset');
    await rm(home, { recursive: true, force: true });
  };
  const up = await shell(`npm run up -- --detach --port-base ${await freePortBase()}`);
  if (up.code !== 0) {
    await stop();
    throw new Error(`Cannot start the demonstration: exit code ${String(up.code)}\n${up.stderr}${up.stdout}`);
  }
  const json = async (command: string): Promise<unknown> => {
    const { code, stdout, stderr } = await shell(`npx l3af ${command} -o json`);
    if (code !== 0) throw new Error(`"l3af ${command}" ended with ${String(code)}\n${stderr}`);
    return JSON.parse(stdout);
  };
  return { home, shell, json, stop };
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
    child.on('error', reject);
    // Not "close": what `up --detach` leaves running may hold the pipes open.
    child.on('exit', (code) => setImmediate(() => resolve({ code, ...text })));
  });
}

/** A base from which the thirty ports that `up` uses are free now. */
async function freePortBase(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 400) * 30;
    const free = await Promise.all(Array.from({ length: 30 }, (_, offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
