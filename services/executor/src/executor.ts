import { arch } from 'node:os';
import { join } from 'node:path';
import { L3afError } from '@l3af/contracts';
import { type Bus, connectBus, readGroups } from '@l3af/event-store';
import { ensureBpffs, type KernelFeatures, probeFeatures, watchInterfaces } from '@l3af/kernel';
import { goArchitecture } from '@l3af/oci';
import { startHealthServer } from '@l3af/telemetry';
import { ArtifactStore } from './artifact/artifact-store';
import { CachingRegistryClient } from './artifact/caching-client';
import { Trust } from './artifact/trust';
import { Distrust } from './chain/distrust';
import { CounterLedger } from './chain/ledger';
import { ChainMemory } from './chain/memory';
import { chainMetrics } from './chain/metrics';
import { Measuring } from './chain/measuring';
import { Monitor } from './chain/monitor';
import { Reconciler } from './chain/reconcile';
import { SerialQueue } from './chain/serial-queue';
import { LiveExplain } from './explain/live';
import type { Logger } from './logger';
import { ChainSource } from './node/chain-source';
import { startHeartbeat } from './node/heartbeat';
import { Policy } from './node/policy';
import { readNodeFacts, registerNode } from './node/registration';
import { serveRpc } from './node/rpc';
import { Outbox } from './report/outbox';
import { Reporter } from './report/reporter';
import type { Settings } from './settings';

export interface Executor {
  /** Ends the executor; the chains stay in the kernel. */
  stop(): Promise<void>;
}

const rulesRefreshMs = 15_000;

/**
 * Starts the executor of a node. What it remembers is made true in the kernel at once, whether or not the control
 * plane answers; from then on the bus says what is desired.
 */
export function startExecutor(settings: Settings, log: Logger): Executor {
  ensureBpffs();
  const kernel = probeFeatures();
  const memory = new ChainMemory(join(settings.cacheDir, 'chains.json'));
  const reporter = new Reporter(settings.node, new Outbox(join(settings.cacheDir, 'outbox')), log);
  const trust = new Trust({
    own: settings.trustedKeys,
    remembered: join(settings.cacheDir, 'trust.json'),
    changed: () => reconciler.scheduleAll(),
  });
  const client = new CachingRegistryClient(settings.registryUrl, join(settings.cacheDir, 'content'));
  const artifacts = new ArtifactStore(client, trust, goArchitecture(arch()));
  const inputs = (): string => `${kernel.kernel} ${trust.fingerprint()}`;
  const policy = new Policy(join(settings.cacheDir, 'policy.json'), settings.probationMs);
  const ledger = new CounterLedger(join(settings.cacheDir, 'counters.json'));
  const reconciler = new Reconciler({ settings, artifacts, memory, reporter, ledger, policy, log, inputs });
  const measuring = new Measuring({ reconciler, artifacts, ledger });
  const monitor = new Monitor({ reconciler, memory, reporter, policy, log });
  const trusted = (): string => trust.fingerprint();
  const distrust = new Distrust({ artifacts, memory, policy, reconciler, reporter, trusted });
  reconciler.scheduleAll();
  monitor.start();

  const aborter = new AbortController();
  let ready = false;
  const closing: (() => unknown)[] = [];
  const parts: Parts = {
    settings,
    kernel,
    log,
    memory,
    reporter,
    trust,
    artifacts,
    reconciler,
    measuring,
    monitor,
    policy,
    distrust,
    closing,
  };
  const health =
    settings.metricsPort === undefined
      ? undefined
      : startHealthServer({
          port: settings.metricsPort,
          ready: () => ready,
          metrics: () => chainMetrics(settings.node, { memory, reconciler, ledger }),
        });
  const connected = connectBus({
    servers: settings.natsUrl,
    name: `executor/${settings.node}`,
    log,
    signal: aborter.signal,
  })
    .then((bus) => serve(bus, parts))
    .then(() => {
      ready = true;
      log.info('executor is ready');
    })
    .catch((error: unknown) => {
      if (aborter.signal.aborted) return;
      // An unsuitable bus does not become suitable by trying; the chains stay as they are.
      log.fatal({ err: error }, error instanceof L3afError ? error.message : 'executor cannot use the bus');
      process.exitCode = 1;
    });

  return {
    async stop() {
      aborter.abort();
      monitor.stop();
      await measuring.stop();
      await connected;
      for (const close of closing.reverse()) await close();
      await reconciler.stop();
      await reporter.stop();
      await (await health)?.close();
    },
  };
}

interface Parts {
  settings: Settings;
  kernel: KernelFeatures;
  log: Logger;
  memory: ChainMemory;
  reporter: Reporter;
  trust: Trust;
  artifacts: ArtifactStore;
  reconciler: Reconciler;
  measuring: Measuring;
  monitor: Monitor;
  policy: Policy;
  distrust: Distrust;
  /** What stops each part that was started, in order. */
  closing: (() => unknown)[];
}

async function serve(bus: Bus, parts: Parts): Promise<void> {
  const { settings, kernel, log, memory, reporter, artifacts, reconciler, measuring, monitor } = parts;
  const { distrust, closing } = parts;
  closing.push(() => bus.close());
  reporter.connect(bus);
  closing.push(() => reporter.flush());
  await refreshRules(bus, parts);
  const register = (): Promise<void> =>
    registerNode(bus, settings.node, () => readNodeFacts(settings, kernel));
  await register();
  // Also without an interface coming or going: what could not be stored then is now.
  const look = async (): Promise<void> => {
    await refreshRules(bus, parts);
    await distrust.check();
    await register();
  };
  look().catch((error: unknown) => log.warn({ err: error }, 'will be tried again'));
  closing.push(repeat(rulesRefreshMs, look, log));
  const live = new LiveExplain(measuring, log);
  const rpc = await serveRpc({
    ...{ bus, node: settings.node, memory, reporter, reconciler, artifacts, measuring, live },
  });
  closing.push(() => rpc.stop());
  closing.push(startHeartbeat({ node: settings.node, bus, chains: () => monitor.chains() }));
  // One at a time: interfaces come in bursts, and the last of them must be in what is stored last.
  const facts = new SerialQueue<'facts'>(() =>
    register().catch((error: unknown) => log.warn({ err: error }, 'node facts could not be stored')),
  );
  closing.push(() => facts.stop());
  const watch = watchInterfaces(settings.netns, () => {
    try {
      reconciler.scheduleAll();
      facts.add('facts');
    } catch (error) {
      log.warn({ err: error }, 'interfaces could not be listed; the next change of one is looked at again');
    }
  });
  closing.push(() => watch.close());
  const source = new ChainSource({
    bus,
    node: settings.node,
    log,
    known: () => memory.all().map(({ key }) => key),
    offer: (desired, causation) => reconciler.offer(desired, causation),
  });
  closing.push(() => source.stop());
}

/** Takes over what the control plane says about trust and policy. */
async function refreshRules(bus: Bus, { settings, trust, policy }: Parts): Promise<void> {
  const groups = await readGroups(bus, settings.node, settings.labels);
  await policy.refresh(bus, groups);
  await trust.refresh(bus, groups);
}

/** Runs the work again and again, one at a time; what fails is logged and tried at the next turn. */
function repeat(everyMs: number, work: () => Promise<void>, log: Logger): () => void {
  const timer = setInterval(() => {
    work().catch((error: unknown) => log.warn({ err: error }, 'will be tried again'));
  }, everyMs);
  return () => clearInterval(timer);
}
