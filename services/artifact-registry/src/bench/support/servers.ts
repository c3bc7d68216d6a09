import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A registry under measurement. */
export interface Server {
  name: string;
  port: number;
  pid: number;
  /** Memory when it had started, MiB. */
  idleMiB: number;
  /** Most memory when it had taken and given one large blob, MiB. */
  streamedMiB: number;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function stopper(child: ChildProcess): () => Promise<void> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return () => {
    child.kill('SIGTERM');
    return exited;
  };
}

async function answering(name: string, url: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await delay(50);
  }
  throw new Error(`Cannot start ${name}: no answer at ${url}`);
}

/** Starts a nats-server for the registries to announce packages on, and to keep blobs in. */
export async function startNatsServer(folder: string): Promise<{ url: string; stop(): Promise<void> }> {
  const [port, monitor] = [await freePort(), await freePort()];
  const args = ['-a', '127.0.0.1', '-p', `${port}`, '-m', `${monitor}`, '-js', '-sd', join(folder, 'nats')];
  const child = spawn('nats-server', args, { stdio: 'ignore' });
  await answering('nats-server', `http://127.0.0.1:${monitor}/healthz`);
  return { url: `nats://127.0.0.1:${port}`, stop: stopper(child) };
}

/** Ours, as users run it. */
export async function startOurs(name: string, environment: Record<string, string>): Promise<Server> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(__dirname, '../../main.js')], {
    stdio: 'ignore',
    env: { ...process.env, ...environment, L3AF_REGISTRY_PORT: `${port}` },
  });
  await answering(name, `http://127.0.0.1:${port}/readyz`);
  return serverOf(name, port, child);
}

/** Debian's docker-registry over a directory. */
export async function startDockerRegistry(folder: string): Promise<Server> {
  const port = await freePort();
  await mkdir(join(folder, 'docker'), { recursive: true });
  const config = join(folder, 'docker.yml');
  await writeFile(
    config,
    JSON.stringify({
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, 'docker') }, delete: { enabled: true } },
      http: { addr: `127.0.0.1:${port}` },
    }),
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  await answering('docker-registry', `http://127.0.0.1:${port}/v2/`);
  return serverOf('docker-registry', port, child);
}

function serverOf(name: string, port: number, child: ChildProcess): Server {
  const pid = child.pid!;
  return { name, port, pid, idleMiB: mebibytes(pid, 'VmRSS'), streamedMiB: 0, stop: stopper(child) };
}

/** Most memory that a process has had, MiB. */
export const peakMebibytes = (pid: number): number => mebibytes(pid, 'VmHWM');

function mebibytes(pid: number, what: 'VmHWM' | 'VmRSS'): number {
  const match = new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(match?.[1] ?? 0) / 1024);
}
