import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BuildProgress,
  buildProgressSubject,
  buildRequestSubject,
  type BuildSource,
  buckets,
  buildSubject,
  type L3afEvent,
} from '@l3af/contracts';
import { type Bus, connectBus } from '@l3af/event-store';
import { generateSigningKey } from '@l3af/oci';
import { BuildWorker } from '../build/build-worker';
import type { Settings } from '../settings';
import { startDockerRegistry, type TestRegistry } from './registry';

type Outcome = Extract<L3afEvent, { type: 'BuildSucceeded' | 'BuildFailed' }>;

/** NATS, a registry, a key, a work folder, and the means to ask for builds and to start builders. */
export interface TestEngine {
  registry: TestRegistry;
  bus: Bus;
  publicKey: string;
  settings: Settings;
  worker(): Promise<{ stop(): Promise<void> }>;
  /** Asks for a build; the id is the caller's. */
  request(
    build: string,
    source: BuildSource,
    more?: { name?: string; packageVersion?: string },
  ): Promise<void>;
  archive(bytes: Uint8Array): Promise<BuildSource>;
  outcome(build: string): Promise<Outcome>;
  progress(build: string): BuildProgress[];
  stop(): Promise<void>;
}

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What the specs start with libs/testing, which only they may use. */
export interface Servers {
  nats: { url: string; stop(this: void): Promise<void> };
  registryPort: number;
}

export async function startEngine({ nats, registryPort }: Servers): Promise<TestEngine> {
  const registry = await startDockerRegistry(registryPort);
  const folder = await mkdtemp(join(tmpdir(), 'l3af-builder-'));
  const keys = generateSigningKey();
  await writeFile(join(folder, 'signing.key'), keys.privateKey);
  const bus = await connectBus({ servers: nats.url, name: 'test', log: quiet });
  const settings: Settings = {
    natsUrl: nats.url,
    logLevel: 'silent',
    metricsPort: undefined,
    registryUrl: registry.url,
    signingKey: join(folder, 'signing.key'),
    builder: 'test-builder',
    workDir: folder,
    cacheDir: join(folder, 'cache'),
    cacheBytes: 64 * 1024 * 1024,
    includeDir: undefined,
    credentialsDir: undefined,
    gitAuthorities: undefined,
    toolchains: { go: undefined, rustc: undefined },
    verify: 'off',
    verifyKernels: 'off',
    verifyMachine: undefined,
    concurrency: 2,
  };
  const running: { stop: () => Promise<void> }[] = [];
  const seen = new Map<string, BuildProgress[]>();
  const worker = async (): Promise<{ stop(): Promise<void> }> => {
    const own = await connectBus({ servers: nats.url, name: 'builder', log: quiet });
    const builder = new BuildWorker({ bus: own, settings, log: quiet });
    builder.start();
    const stop = async (): Promise<void> => {
      await builder.stop();
      await own.close();
    };
    running.push({ stop });
    return { stop };
  };
  return {
    registry,
    bus,
    publicKey: keys.publicKey,
    settings,
    worker,
    async request(build, source, more = {}) {
      const lines: BuildProgress[] = [];
      seen.set(build, lines);
      bus.subscribeLive(buildProgressSubject(build), ({ data }) => void lines.push(data as BuildProgress));
      await bus.nc.flush();
      const event: L3afEvent = { type: 'BuildRequested', version: 1, data: { build, source, ...more } };
      await bus.store.append({
        subject: buildRequestSubject(build),
        events: [event],
        actor: 'test',
        expectedSequence: 0,
      });
    },
    async archive(bytes) {
      const object = await bus.objects(buckets.sources).put(bytes);
      return { kind: 'archive', object, fileName: 'kf.tar.gz' };
    },
    async outcome(build) {
      for await (const { events } of bus.store.follow({ subject: buildSubject(build) })) {
        const last = events.at(-1);
        if (last?.type === 'BuildSucceeded' || last?.type === 'BuildFailed') return last;
      }
      throw new Error('the event stream ended');
    },
    progress: (build) => seen.get(build) ?? [],
    async stop() {
      for (const { stop } of running) await stop();
      await bus.close();
      await Promise.all([nats.stop(), registry.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const root = join(__dirname, '../../../..');

/** Compiles what {@link startProcess} runs. */
export async function buildAll(): Promise<void> {
  await once(spawn('node', ['infra/build.mjs'], { cwd: root, stdio: 'ignore' }), 'exit');
}

/** A builder in a process of its own, to be killed. */
export function startProcess(engine: TestEngine): ChildProcess {
  return spawn(process.execPath, [join(root, program)], { stdio: 'ignore', env: environment(engine) });
}

/**
 * The same as another user. It sees the clone at `place`, an empty folder, in a mount namespace of its own: where the clone really is,
 * others may not look.
 */
export function startProcessAs(user: number, place: string, engine: TestEngine): ChildProcess {
  const script =
    'mount --bind "$1" "$2" && exec setpriv --reuid "$3" --regid "$3" --clear-groups "$4" "$2/$5"';
  const parameters = [root, place, String(user), process.execPath, program];
  const args = ['--mount', 'sh', '-c', script, 'sh', ...parameters];
  return spawn('unshare', args, { stdio: 'ignore', cwd: '/', env: environment(engine) });
}

const program = 'services/build-engine/dist/main.js';

const environment = ({ settings }: TestEngine): NodeJS.ProcessEnv => ({
  ...process.env,
  NATS_URL: settings.natsUrl,
  L3AF_REGISTRY_URL: settings.registryUrl,
  L3AF_SIGNING_KEY: settings.signingKey,
  L3AF_WORK_DIR: settings.workDir,
  L3AF_VERIFY: settings.verify ?? 'off',
});
