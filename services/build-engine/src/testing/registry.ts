import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A real OCI registry (Debian's docker-registry) of a test's own. */
export interface TestRegistry {
  url: string;
  /** Takes it away; what it stored stays. */
  halt(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startDockerRegistry(port: number): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'l3af-registry-'));
  const url = `http://127.0.0.1:${port}`;
  const configuration = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: `127.0.0.1:${port}` },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(configuration));
  let child: ReturnType<typeof spawn> | undefined;
  const halt = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  const start = async (): Promise<void> => {
    child = spawn('docker-registry', ['serve', join(folder, 'config.json')], { stdio: 'ignore' });
    while (!(await answers(url))) await delay(25);
  };
  const stop = async (): Promise<void> => {
    await halt();
    await rm(folder, { recursive: true, force: true });
  };
  await start();
  return { url, halt, start, stop };
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  );
