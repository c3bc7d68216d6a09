import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const root = join(__dirname, '../..');

/** What `up --json` prints. */
export interface Endpoints {
  api: string;
  grpc: string;
  registry: string;
  nats: string;
  database: string;
  nodes: {
    name: string;
    netns: string;
    peerNetns: string;
    interfaces: string[];
    addresses: { ipv4: string; ipv6: string };
    peerAddresses: { ipv4: string; ipv6: string };
  }[];
  processes: { service: string; node?: string; pid: number }[];
}

export interface Output {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. */
export function run(command: string, args: string[], env: Record<string, string> = {}): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (output.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (output.stderr += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

/** A base with all of its ports free; below the range from which the kernel picks ports for connections. */
export async function freePortBase(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const base = 10_000 + 50 * ((process.pid + attempt * 7) % 440);
    const ports = await Promise.all(Array.from({ length: 40 }, (_, index) => isFree(base + index)));
    if (ports.every(Boolean)) return base;
  }
  throw new Error('Cannot find 40 free ports in a row');
}

/** One L3AF of a test's own: a home in the temporary folder and ports of its own. */
export class Stack {
  readonly home = mkdtempSync(join(tmpdir(), 'l3af-e2e-'));

  private constructor(readonly portBase: number) {}

  static async create(): Promise<Stack> {
    return new Stack(await freePortBase());
  }

  /** `npm run up` in the background; throws with what it said when it fails. */
  async up(...options: string[]): Promise<Endpoints> {
    const args = ['infra/up.mjs', '--detach', '--json', '--port-base', String(this.portBase), ...options];
    const output = await this.node(...args);
    if (output.code !== 0)
      throw new Error(`up ended with ${String(output.code)}\n${output.stderr}\n${output.stdout}`);
    return JSON.parse(output.stdout) as Endpoints;
  }

  node(...args: string[]): Promise<Output> {
    // Machines that boot other kernels would take the CPUs that the test needs.
    return run(process.execPath, args, { L3AF_HOME: this.home, L3AF_VERIFY_KERNELS: 'off' });
  }

  /** The CLI against this stack. */
  l3af(...args: string[]): Promise<Output> {
    return this.node('services/cli/bin/l3af.js', ...args);
  }

  endpoints(): Endpoints {
    return JSON.parse(readFileSync(join(this.home, 'endpoints.json'), 'utf8')) as Endpoints;
  }

  pidOf(service: string): number | undefined {
    return this.endpoints().processes.find((process) => process.service === service)?.pid;
  }

  async down(): Promise<void> {
    const output = await this.node('infra/down.mjs');
    if (output.code !== 0) throw new Error(`down ended with ${String(output.code)}\n${output.stderr}`);
  }

  /** Ends everything and forgets the state. */
  async remove(): Promise<void> {
    if (!existsSync(this.home)) return;
    await this.node('infra/down.mjs', '--reset');
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Sends one ICMP echo from a namespace; whether it was answered. */
export async function ping(netns: string, target: string, source: string): Promise<boolean> {
  const args = [`--net=/run/netns/${netns}`, 'ping', '-n', '-c', '1', '-W', '1', '-I', source, target];
  return (await run('nsenter', args)).code === 0;
}
