// A nats-server and a registry of ours, for as long as some work takes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { root } from '../up/home.mjs';

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function answering(name, url) {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Cannot start ${name}: no answer at ${url}`);
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** Calls `work` with the registry's host and port; blobs go to JetStream, or with `directory` to a folder. */
export async function withRegistry({ folder, directory = false }, work) {
  const own = mkdtempSync(join(folder, 'site-'));
  const [port, monitor, registry] = [await freePort(), await freePort(), await freePort()];
  const nats = spawn(
    'nats-server',
    ['-a', '127.0.0.1', '-p', `${port}`, '-m', `${monitor}`, '-js', '-sd', join(own, 'nats')],
    { stdio: 'ignore' },
  );
  const children = [nats];
  try {
    await answering('nats-server', `http://127.0.0.1:${monitor}/healthz`);
    const env = {
      ...process.env,
      NATS_URL: `nats://127.0.0.1:${port}`,
      L3AF_REGISTRY_PORT: `${registry}`,
      L3AF_CACHE_DIR: join(own, 'cache'),
      ...(directory && { L3AF_BLOB_DIR: join(own, 'blobs') }),
    };
    const main = join(root, 'services/artifact-registry/dist/main.js');
    children.unshift(spawn(process.execPath, [main], { env, stdio: 'ignore' }));
    await answering('artifact-registry', `http://127.0.0.1:${registry}/readyz`);
    return await work(`127.0.0.1:${registry}`);
  } finally {
    for (const child of children) await stop(child);
  }
}
