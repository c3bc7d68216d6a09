import 'reflect-metadata';
import {
  nodeSubject,
  packageSubject,
  reportSubject,
  type ChainKey,
  type L3afEvent,
  type ObjectSchema,
} from '@l3af/contracts';
import { connectBus, type Bus } from '@l3af/event-store';
import { createLogger } from '@l3af/telemetry';
import { freePort } from '@l3af/testing';
// eslint-disable-next-line @nx/enforce-module-boundaries -- specs run against the real config-store, not a stand-in
import { startConfigStore, type ConfigStore } from '../../../config-store/src/config-store';
import { readSettings } from '../settings';
import { startApi, type RunningApi } from '../start';

export interface Addresses {
  natsUrl: string;
  databaseUrl: string;
  /** Default: one that is not there. */
  registryUrl?: string;
  /** File of public keys whose statements count. */
  trustedKeys?: string;
}

/** deploy-api and config-store as they run, and a connection to put facts into the stream. For specs. */
export interface ControlPlane extends AsyncDisposable {
  api: RunningApi;
  bus: Bus;
  store: ConfigStore;
  close(): Promise<void>;
}

const logLevel = (): string => process.env['L3AF_LOG_LEVEL'] ?? 'silent';

export async function startControlPlane(addresses: Addresses): Promise<ControlPlane> {
  const bus = await connectBus({ servers: addresses.natsUrl, name: 'spec' });
  const store = await openStore(addresses);
  const api = await openApi(addresses);
  const close = async (): Promise<void> => {
    await api.close();
    await store.close();
    await bus.close();
  };
  return { api, bus, store, close, [Symbol.asyncDispose]: close };
}

/** deploy-api alone. */
export async function openApi(addresses: Omit<Addresses, 'databaseUrl'>): Promise<RunningApi> {
  const { natsUrl, registryUrl = 'http://127.0.0.1:1', trustedKeys } = addresses;
  const environment = {
    ...{ NATS_URL: natsUrl, L3AF_API_PORT: '0' },
    // Picked right before it is used: whatever else runs on the machine may take it meanwhile.
    L3AF_GRPC_PORT: String(await freePort()),
    L3AF_REGISTRY_URL: registryUrl,
    ...(trustedKeys !== undefined && { L3AF_TRUSTED_KEYS: trustedKeys }),
  };
  return startApi(readSettings(environment), createLogger('deploy-api', logLevel()));
}

function openStore({ natsUrl, databaseUrl }: Addresses): Promise<ConfigStore> {
  const settings = { NATS_URL: natsUrl, DATABASE_URL: databaseUrl, L3AF_LOG_LEVEL: 'silent' } as const;
  return startConfigStore(settings, createLogger('config-store', logLevel()), new AbortController().signal);
}

export const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;

const u32 = { kind: 'int', bytes: 4, signed: false } as const;
const schema: ObjectSchema = {
  programs: [
    { name: 'filter', section: 'xdp', type: 'xdp' },
    { name: 'mark', section: 'tc', type: 'sched_cls' },
    { name: 'count', section: 'tc', type: 'sched_cls' },
  ],
  maps: [
    {
      ...{ name: 'limit', type: 'array', keyBytes: 4, valueBytes: 4, entriesMax: 1, flags: 0 },
      ...{ key: u32, value: u32 },
    },
  ],
  constants: [],
};

/** With so many constants that no event carries it. */
export const largeSchema = (): ObjectSchema => ({
  ...schema,
  constants: Array.from({ length: 400 }, (_, at) => ({
    ...{ name: `constant_${at}`, section: '.rodata', offset: at * 4, type: u32 },
  })),
});

const node = (name: string, interfaces: string[]): L3afEvent => ({
  type: 'NodeRegistered',
  version: 1,
  data: {
    ...{ node: name, labels: {}, kernel: '6.1.0', architecture: 'x64', features: {} },
    interfaces: interfaces.map((one, at) => ({
      ...{ name: one, ifindex: at + 2, mtu: 1500, mac: '02:00:00:00:00:01', up: true },
    })),
    executor: { version: '0.1.0', instance: 'default' },
  },
});

export const published = (name: string, packageVersion: string, letter: string): L3afEvent => ({
  type: 'PackagePublished',
  version: 1,
  data: {
    ...{ name, packageVersion, digest: digestOf(letter), architectures: ['amd64'], sizeBytes: 1000, schema },
  },
});

/** How demo-1's kernel took a package. */
export const verified = (name: string, letter: string, refusal?: string): L3afEvent => {
  const error =
    refusal === undefined ? {} : { error: { code: 'verifier-refused' as const, message: refusal } };
  const loaded = refusal === undefined;
  return {
    type: 'PackageVerified',
    version: 1,
    data: {
      ...{ name, digest: digestOf(letter), kernel: '6.1.9', architecture: 'x64', loaded, ...error },
      programs: [{ name: 'filter', hook: 'xdp', loaded, instructions: 9, ...error }],
    },
  };
};

/** A node `demo-1` with `l3af0`, `eth0` and `eth1`; packages `firewall` (one version yanked) and `team/limit`. */
export async function seed(bus: Bus): Promise<void> {
  const put = (subject: string, ...events: L3afEvent[]): Promise<unknown> =>
    bus.store.append({ subject, events, actor: 'spec' });
  await put(nodeSubject('demo-1'), node('demo-1', ['l3af0', 'eth0', 'eth1', 'eth2', 'eth3']));
  await put(packageSubject('firewall'), published('firewall', '1.0.0', 'a'));
  await put(packageSubject('firewall'), published('firewall', '1.1.0', 'b'));
  await put(packageSubject('firewall'), {
    type: 'PackageYanked',
    version: 1,
    data: { name: 'firewall', digest: digestOf('b'), packageVersion: '1.1.0', reason: 'drops too much' },
  });
  await put(packageSubject('team/limit'), published('team/limit', '2.0.0', 'c'));
  await put(packageSubject('firewall'), verified('firewall', 'a'));
  await put(packageSubject('team/limit'), verified('team/limit', 'c'));
}

/** The node's report that a revision is live. */
export async function reportApplied(bus: Bus, key: ChainKey, revision: number): Promise<void> {
  const applied: L3afEvent = {
    type: 'ChainApplied',
    version: 1,
    data: {
      ...{ ...key, revision, sequence: 1, generation: revision, mode: 'native', warnings: [] },
      kfs: [{ name: 'firewall', digest: digestOf('a'), programId: 7, enabled: true }],
      timings: { pullMs: 1, loadMs: 2, swapMs: 3, totalMs: 6 },
    },
  };
  await bus.store.append({ subject: reportSubject(key), events: [applied], actor: `node/${key.node}` });
}
