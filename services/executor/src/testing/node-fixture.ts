import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deriveSchema } from '@l3af/bpf-object';
import {
  type ChainAttach,
  type ChainEvent,
  type ChainKey,
  chainSubject,
  configRpcSubject,
  type DesiredKf,
  encodeToken,
  type Hook,
  parseChainSubject,
  type ReportEvent,
  reportSubject,
} from '@l3af/contracts';
import { type Bus, connectBus } from '@l3af/event-store';
import { removeInstance } from '@l3af/kernel';
import { buildImage, generateSigningKey, goArchitecture, RegistryClient, signDigest } from '@l3af/oci';
import { createLogger } from '@l3af/telemetry';
import {
  compileBpf,
  createVethPair,
  freePort,
  startNats,
  type TestNats,
  type VethPair,
  waitFor,
} from '@l3af/testing';
import { type Executor, startExecutor } from '../executor';
import type { Settings } from '../settings';

const registryMain = join(__dirname, '../../../artifact-registry/dist/main.js');

/** What nodes share: a bus, a registry, and the key that they trust. */
export class Servers {
  readonly key = generateSigningKey();
  readonly client: RegistryClient;

  private constructor(
    readonly nats: TestNats,
    readonly bus: Bus,
    readonly registry: { url: string; child: ChildProcess },
  ) {
    this.client = new RegistryClient(registry.url);
  }

  static async start(): Promise<Servers> {
    const nats = await startNats();
    const bus = await connectBus({ servers: nats.url, name: 'test' });
    await answerKeys(bus);
    return new Servers(nats, bus, await startRegistry(nats.url));
  }

  async stop(): Promise<void> {
    await this.bus.close();
    this.registry.child.kill('SIGTERM');
    if (this.registry.child.exitCode === null) await once(this.registry.child, 'exit');
    await this.nats.stop();
  }
}

/** A node of its own: namespaces with a veth pair, and its executor. */
export class NodeFixture {
  readonly name = `node-${randomBytes(3).toString('hex')}`;
  readonly folder = mkdtempSync(join(tmpdir(), 'l3af-node-'));
  readonly pair: VethPair = createVethPair({ prefix: 'l3afx' });
  readonly bus: Bus;
  readonly settings: Settings;
  executor: Executor | undefined;
  private revision = 0;

  constructor(private readonly servers: Servers) {
    this.bus = servers.bus;
    const trustedKeys = join(this.folder, 'signing.pub');
    writeFileSync(trustedKeys, servers.key.publicKey);
    this.settings = {
      natsUrl: servers.nats.url,
      logLevel: 'fatal',
      metricsPort: undefined,
      node: this.name,
      netns: this.pair.netnsPath,
      instance: `exec-${process.pid}-${this.name}`,
      registryUrl: servers.registry.url,
      trustedKeys,
      cacheDir: join(this.folder, 'cache'),
      labels: {},
      probationMs: 60_000,
    };
  }

  startExecutor(): Executor {
    this.executor = startExecutor(
      this.settings,
      createLogger('executor', process.env['L3AF_LOG_LEVEL'] ?? 'silent'),
    );
    return this.executor;
  }

  async stopExecutor(): Promise<void> {
    await this.executor?.stop();
    this.executor = undefined;
  }

  async stop(): Promise<void> {
    await this.stopExecutor();
    removeInstance(this.settings.instance);
    this.pair.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  chainKey(hook: Hook = 'xdp', name = this.pair.name): ChainKey {
    return { node: this.settings.node, interface: name, hook };
  }

  /** Compiles, packages, pushes and signs a KF; gives it as a chain wants it. */
  async publish(
    name: string,
    source: string,
    options: { signedWith?: string | null; object?: Uint8Array } = {},
  ): Promise<DesiredKf> {
    const object = options.object ?? compileBpf(source);
    const schema = deriveSchema(object);
    const image = buildImage({
      objects: [{ architecture: goArchitecture(process.arch), bytes: object }],
      schema,
    });
    const version = `0.0.0-${image.digest.slice(7, 19)}`;
    await this.servers.client.push(image, name, [version]);
    const privateKey = options.signedWith === undefined ? this.servers.key.privateKey : options.signedWith;
    if (privateKey !== null) await signDigest(this.servers.client, name, image.digest, privateKey);
    return {
      name,
      package: name,
      version,
      digest: image.digest,
      program: schema.programs[0]!.name,
      enabled: true,
      proceedOn: ['PASS'],
      config: {},
      state: 'keep',
    };
  }

  /** Stores a revision and returns its sequence. */
  async desire(key: ChainKey, kfs: DesiredKf[] | 'deleted', attach?: ChainAttach): Promise<number> {
    const change = { kind: 'apply' as const, summary: 'test' };
    const data = { ...key, revision: ++this.revision, change, ...(attach && { attach }) };
    const event: ChainEvent =
      kfs === 'deleted'
        ? { type: 'ChainDeleted', version: 1, data }
        : kfs.length === 0
          ? { type: 'ChainCleared', version: 1, data }
          : { type: 'ChainRevised', version: 1, data: { ...data, kfs } };
    const { sequence } = await this.bus.store.append({
      subject: chainSubject(key),
      events: [event],
      actor: 'test',
    });
    return sequence;
  }

  async reports(key: ChainKey): Promise<ReportEvent[]> {
    const reports: ReportEvent[] = [];
    for await (const { events } of this.bus.store.read({ subject: reportSubject(key) }))
      reports.push(...(events as ReportEvent[]));
    return reports;
  }

  /** The report of a sequence, once it is there. */
  reported<T extends ReportEvent['type']>(
    key: ChainKey,
    sequence: number,
    type: T,
  ): Promise<Extract<ReportEvent, { type: T }>> {
    return waitFor(async () => {
      const all = await this.reports(key);
      const found = all.find(({ data }) => 'sequence' in data && data.sequence === sequence);
      if (found && found.type !== type) throw new Error(`reported ${JSON.stringify(found)}`);
      return found as Extract<ReportEvent, { type: T }> | undefined;
    }, `${type} of sequence ${sequence}`);
  }

  /** Generations with pins on a hook. */
  generations(): string[] {
    return readdirSync(
      `/sys/fs/bpf/l3af/${this.settings.instance}/${this.name}/${this.pair.name}/xdp`,
    ).filter((name) => /^\d+$/.test(name));
  }
}

/** Answers the one question that an executor asks config-store, from the stream itself: whoever asks from then on. */
async function answerKeys(bus: Bus): Promise<void> {
  bus.nc.subscribe(configRpcSubject('chains.keys'), {
    callback: (_error, message) => {
      const { data } = message.json<{ data: { node: string } }>();
      void keysOf(bus, data.node).then((response) =>
        message.respond(JSON.stringify({ response, isDisposed: true })),
      );
    },
  });
  await bus.nc.flush();
}

async function keysOf(bus: Bus, node: string): Promise<ChainKey[]> {
  const keys = new Map<string, ChainKey>();
  for await (const { subject } of bus.store.read({ subject: `l3af.evt.chain.${encodeToken(node)}.>` })) {
    const key = parseChainSubject(subject);
    if (key) keys.set(subject, key);
  }
  return [...keys.values()];
}

async function startRegistry(natsUrl: string): Promise<{ url: string; child: ChildProcess }> {
  const [port, metrics] = [await freePort(), await freePort()];
  const env = {
    ...process.env,
    NATS_URL: natsUrl,
    L3AF_REGISTRY_PORT: String(port),
    L3AF_METRICS_PORT: String(metrics),
    L3AF_LOG_LEVEL: 'error',
  };
  const child = spawn(process.execPath, [registryMain], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const url = `http://127.0.0.1:${port}`;
  await waitFor(
    async () => (await fetch(`http://127.0.0.1:${metrics}/readyz`)).ok,
    'the registry to be ready',
  );
  return { url, child };
}
