// What runs: each process with its command, environment and the question that tells whether it can serve.
import { join } from 'node:path';
import { addresses } from './network.mjs';
import { portsFrom, root } from './home.mjs';
import { chosenKernels } from './kernels.mjs';
import { preparePostgres } from './postgres.mjs';

export const demoNode = 'demo-1';
export const demoInterface = 'l3af0';

function natsServer(home, ports) {
  return {
    name: 'nats-server',
    service: 'nats-server',
    command: 'nats-server',
    args: [
      '-a',
      '127.0.0.1',
      '-p',
      String(ports.nats),
      '-m',
      String(ports.natsMonitoring),
      '-js',
      '-sd',
      home.nats,
      '-n',
      `l3af-${home.instance}`,
    ],
    env: {},
    ready: `http://127.0.0.1:${ports.natsMonitoring}/healthz`,
    url: `nats://127.0.0.1:${ports.nats}`,
    stopLast: true,
  };
}

function postgres(home, ports) {
  const { command, args, ids, url, data } = preparePostgres(home, ports.postgres);
  return {
    name: 'postgres',
    service: 'postgres',
    command,
    args,
    ids,
    env: { LC_ALL: 'C' },
    cwd: '/',
    data,
    url,
    stopSignal: 'SIGINT', // fast shutdown: SIGTERM would wait for every client
    stopLast: true,
  };
}

/** The executor runs on every node, so its memory counts: a small young generation, and no source maps held. */
const nodeFlags = { executor: ['--max-semi-space-size=1', '--optimize-for-size'] };

function ownService(service, ports, env) {
  return {
    name: service,
    service,
    command: process.execPath,
    args: [
      ...(nodeFlags[service] ?? ['--enable-source-maps']),
      join(root, 'services', service, 'dist/main.js'),
    ],
    env: {
      NATS_URL: `nats://127.0.0.1:${ports.nats}`,
      L3AF_REGISTRY_URL: `http://127.0.0.1:${ports.registry}`,
      L3AF_METRICS_PORT: String(ports.metrics[service]),
      ...env,
    },
    ready: `http://127.0.0.1:${ports.metrics[service]}/readyz`,
  };
}

function traffic(role, netns) {
  return {
    name: `traffic-${role}`,
    service: `traffic-${role}`,
    node: demoNode,
    command: 'nsenter',
    args: [`--net=/run/netns/${netns}`, process.execPath, join(root, 'infra/up/traffic.mjs'), role],
    env: {},
  };
}

/** Every process of a home, in the order of starting. Makes the database cluster at first use. */
export function describeProcesses(home, portBase) {
  const ports = portsFrom(portBase);
  const database = postgres(home, ports);
  const url = (port) => `http://127.0.0.1:${port}`;
  return [
    natsServer(home, ports),
    database,
    ownService('artifact-registry', ports, {
      L3AF_REGISTRY_PORT: String(ports.registry),
      L3AF_HOST: '127.0.0.1',
    }),
    ownService('config-store', ports, { DATABASE_URL: database.url }),
    ownService('build-engine', ports, {
      L3AF_SIGNING_KEY: join(home.keys, 'signing.key'),
      L3AF_WORK_DIR: home.work,
      L3AF_VERIFY_KERNELS: chosenKernels(home),
    }),
    {
      ...ownService('executor', ports, {
        L3AF_NODE: demoNode,
        L3AF_NODE_NETNS: `/run/netns/${home.netns}`,
        L3AF_NODE_LABELS: 'role=demo',
        L3AF_INSTANCE: home.instance,
        L3AF_TRUSTED_KEYS: join(home.keys, 'signing.pub'),
        L3AF_CACHE_DIR: join(home.cache, demoNode),
      }),
      node: demoNode,
    },
    {
      ...ownService('deploy-api', ports, {
        L3AF_API_PORT: String(ports.api),
        L3AF_GRPC_PORT: String(ports.grpc),
        L3AF_HOST: '127.0.0.1',
        L3AF_TRUSTED_KEYS: join(home.keys, 'signing.pub'),
      }),
      url: url(ports.api),
    },
    traffic('answer', home.netns),
    traffic('send', home.peerNetns),
  ];
}

/** endpoints.json: what scripts, tests and the CLI read. */
export function describeEndpoints(home, portBase, { databaseUrl, processes }) {
  const ports = portsFrom(portBase);
  return {
    api: `http://127.0.0.1:${ports.api}`,
    grpc: `127.0.0.1:${ports.grpc}`,
    registry: `http://127.0.0.1:${ports.registry}`,
    nats: `nats://127.0.0.1:${ports.nats}`,
    database: databaseUrl,
    nodes: [
      {
        name: demoNode,
        netns: home.netns,
        peerNetns: home.peerNetns,
        interfaces: [demoInterface],
        addresses: addresses.node,
        peerAddresses: addresses.peer,
      },
    ],
    processes,
  };
}
