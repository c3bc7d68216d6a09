import {
  credentials,
  loadPackageDefinition,
  Metadata,
  status,
  type Client,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { dirname, join } from 'node:path';
import { chainSubject, trustSubject } from '@l3af/contracts';
import { serveNode } from '@l3af/event-store';
import { createKeylessAuthority, waitFor } from '@l3af/testing';
import { protoPath as healthProto } from 'grpc-health-check';
import { reportApplied } from '../testing/control-plane';
import { useControlPlane } from '../testing/use-control-plane';
import { GrpcServer } from './grpc-server';

const plane = useControlPlane();
const clients: Client[] = [];

afterAll(() => {
  for (const client of clients) client.close();
});

type Message = Record<string, unknown>;
type Constructor = new (address: string, channel: ReturnType<typeof credentials.createInsecure>) => Client;

function clientOf(files: string[], dir: string, service: string): Client {
  const definition = loadSync(files, { includeDirs: [dir], longs: Number, enums: String, defaults: true });
  const names = service.split('.');
  let found: unknown = loadPackageDefinition(definition);
  for (const name of names) found = (found as Message)[name];
  const client = new (found as Constructor)(plane.grpc, credentials.createInsecure());
  clients.push(client);
  return client;
}

const l3af = (service: string): Client =>
  clientOf(
    ['chain', 'node', 'build', 'event'].map((name) => `l3af/v1/${name}.proto`),
    GrpcServer.protoDir,
    `l3af.v1.${service}`,
  );

// eslint-disable-next-line max-params -- reads as a sentence: call this client's method with this message
function call(
  client: Client,
  method: string,
  message: Message,
  headers: Record<string, string> = {},
): Promise<Message> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve, reject) => {
    const unary = (client as unknown as Record<string, (...args: unknown[]) => void>)[method]!.bind(client);
    unary(message, metadata, (error: ServiceError | null, reply: Message) =>
      error ? reject(error) : resolve(reply),
    );
  });
}

async function collect(client: Client, method: string, message: Message): Promise<Message[]> {
  const open = (client as unknown as Record<string, (message: Message) => AsyncIterable<Message>>)[method]!;
  const messages: Message[] = [];
  for await (const one of open.call(client, message)) messages.push(one);
  return messages;
}

const key = { node: 'demo-1', interface: 'l3af0', hook: 'xdp' } as const;

test('the same change as by REST: decided, stored with its author, shown', async () => {
  const chains = l3af('ChainService');
  const kfs = [
    { name: 'edge', package: 'firewall', config: { limit: { numberValue: 5 } } },
    { package: 'team/limit', enabled: false, proceedOn: { verdicts: ['PASS', 'TX'] } },
  ];
  const accepted = await call(
    chains,
    'ApplyChain',
    { key, kfs },
    { 'x-l3af-actor': 'ann', 'x-correlation-id': 'g-1' },
  );
  expect(accepted).toMatchObject({ revision: 1, changed: true });
  const stored = await plane.bus.store.last(chainSubject(key));
  expect(stored?.envelope).toMatchObject({ actor: 'ann', correlationId: 'g-1' });
  const byRest = await fetch(`${plane.url}/v1/nodes/demo-1/chains/l3af0/xdp`);
  expect(await byRest.json()).toMatchObject({
    desired: {
      kfs: [
        { name: 'edge', config: { limit: 5 }, enabled: true },
        { name: 'limit', enabled: false, proceedOn: ['PASS', 'TX'] },
      ],
    },
  });
  expect(await call(chains, 'GetChain', { key })).toMatchObject({
    desired: {
      revision: 1,
      kfs: [{ name: 'edge', config: { limit: { numberValue: 5 } } }, { name: 'limit' }],
    },
  });
  expect(await call(chains, 'ApplyChain', { key, kfs })).toMatchObject({ revision: 1, changed: false });
});

test('all changes', async () => {
  const chains = l3af('ChainService');
  const at = { ...key, interface: 'eth0' };
  const names = async (): Promise<unknown> => {
    const { desired } = (await call(chains, 'GetChain', { key: at })) as {
      desired: { kfs: { name: string }[] };
    };
    return desired.kfs.map(({ name }) => name);
  };
  await call(chains, 'InsertKf', { key: at, kf: { package: 'firewall', name: 'a' } });
  await call(chains, 'InsertKf', { key: at, kf: { package: 'firewall', name: 'b' }, at: 1 });
  expect(await names()).toEqual(['b', 'a']);
  await call(chains, 'MoveKf', { key: at, instance: 'a', to: 1 });
  expect(await names()).toEqual(['a', 'b']);
  await call(chains, 'AdjustKf', { key: at, instance: 'a', enabled: false });
  expect(await call(chains, 'GetChain', { key: at })).toMatchObject({
    desired: { kfs: [{ enabled: false }, {}] },
  });
  await call(chains, 'RemoveKf', { key: at, instance: 'b' });
  expect(await names()).toEqual(['a']);
  await call(chains, 'ClearChain', { key: at });
  expect(await call(chains, 'DeleteChain', { key: at, options: { ifRevision: 6 } })).toMatchObject({
    revision: 7,
  });
  const { entries } = (await call(chains, 'GetChainHistory', { key: at })) as { entries: Message[] };
  expect(entries).toHaveLength(7);
});

test.each<[string, Message, number, string]>([
  ['InsertKf', { key, kf: { package: 'nope' } }, status.NOT_FOUND, 'unknown-package'],
  [
    'InsertKf',
    { key, kf: { package: 'firewall', name: 'edge' } },
    status.INVALID_ARGUMENT,
    'duplicate-instance',
  ],
  ['InsertKf', { key, kf: { package: 'No Name' } }, status.INVALID_ARGUMENT, 'invalid-request'],
  ['GetChain', { key: { ...key, hook: 'xdpp' } }, status.INVALID_ARGUMENT, 'unknown-hook'],
  ['GetChain', {}, status.INVALID_ARGUMENT, 'unknown-hook'],
  ['GetChain', { key: { ...key, node: 'nope' } }, status.NOT_FOUND, 'unknown-node'],
  ['MoveKf', { key, instance: 'edge', to: 9 }, status.OUT_OF_RANGE, 'position-out-of-range'],
  ['AdjustKf', { key, instance: 'edge' }, status.INVALID_ARGUMENT, 'invalid-request'],
  ['DeleteChain', { key, options: { ifRevision: 99 } }, status.ABORTED, 'conflict'],
])('%s %j is refused', async (...[method, message, code, l3afCode]) => {
  const refused = call(l3af('ChainService'), method, message);
  const error = await refused.then(
    () => undefined,
    (thrown: ServiceError) => thrown,
  );
  expect(error?.code).toBe(code);
  expect(error?.metadata.get('l3af-code')).toEqual([l3afCode]);
  const whole = JSON.parse(String(error?.metadata.get('l3af-error-bin')[0])) as { hint: string };
  expect(whole).toMatchObject({ code: l3afCode, message: error?.details });
  expect(whole.hint).not.toBe('');
});

test('watching and following', async () => {
  const watched = collect(l3af('ChainService'), 'WatchChain', { key });
  await reportApplied(plane.bus, key, 1);
  expect(await watched).toMatchObject([
    { type: 'ChainApplied', subject: 'l3af.evt.report.demo-1.l3af0.xdp' },
  ]);
  const all = await collect(l3af('EventService'), 'FollowEvents', { storedOnly: true });
  expect(all.slice(0, 3).map(({ sequence, type }) => [sequence, type])).toEqual([
    [1, 'NodeRegistered'],
    [2, 'PackagePublished'],
    [3, 'PackagePublished'],
  ]);
  await expect(collect(l3af('ChainService'), 'WatchChain', {})).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
  });
});

test('packages by what they are, one version, and a yank that gives its reason', async () => {
  const packages = l3af('PackageService');
  const named = async (conditions: Message) => {
    const { packages: found } = await call(packages, 'ListPackages', conditions);
    return (found as { name: string }[]).map(({ name }) => name).sort();
  };
  expect(await named({})).toEqual(['firewall', 'team/limit']);
  expect(await named({ text: 'fire' })).toEqual(['firewall']);
  expect(await named({ text: 'fire', signer: 'nobody' })).toEqual([]);
  await expect(named({ hook: 'xpd' })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  // Without a registry it is told what could not be read.
  expect(await call(packages, 'GetPackageVersion', { name: 'firewall', version: '1.0.0' })).toMatchObject({
    version: { name: 'firewall', version: '1.0.0' },
    problem: { code: 'registry-unavailable' },
  });
  const yank = (reason: string) =>
    call(packages, 'YankPackageVersion', { name: 'firewall', version: '1.0.0', reason });
  await expect(yank(' ')).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  await expect(yank('drops too much')).rejects.toMatchObject({ code: status.UNAVAILABLE });
});

test('trusted identities', async () => {
  const { trustedRoot } = await createKeylessAuthority();
  const identities = [
    {
      name: 'pipeline',
      identity: 'https://ci.example.org/*',
      issuer: 'https://ci.example.org',
      root: 'ours',
    },
  ];
  const setTrust = (json: string) =>
    call(l3af('NodeService'), 'SetTrust', {
      group: 'grpc',
      identities,
      trustedRoots: [{ name: 'ours', json }],
    });
  expect(await setTrust(JSON.stringify(trustedRoot))).toMatchObject({ changed: true });
  const stored = (await plane.bus.store.last(trustSubject('grpc')))?.events;
  expect(stored).toMatchObject([
    { data: { identities: [{ ...identities[0], packages: [] }], trustedRoots: [{ root: trustedRoot }] } },
  ]);
  for (const json of ['{}', 'x'])
    await expect(setTrust(json)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
});

test('nodes, packages, builds and status', async () => {
  expect(await call(l3af('NodeService'), 'GetNode', { name: 'demo-1' })).toMatchObject({ kernel: '6.1.0' });
  expect(await call(l3af('PackageService'), 'GetPackage', { name: 'firewall' })).toMatchObject({
    versions: [{ version: '1.1.0', yanked: 'drops too much' }, { version: '1.0.0' }],
  });
  expect(
    await call(l3af('NodeService'), 'SetLabels', { node: 'demo-1', labels: { region: 'eu' } }),
  ).toMatchObject({
    changed: true,
  });
  const policy = { group: 'default', onDrift: 'repair', onRevokedKey: 'report', probationSeconds: 5 };
  await call(l3af('NodeService'), 'SetPolicy', policy);
  const builds = l3af('BuildService');
  const git = { url: 'https://example.org/kf.git' };
  const { build } = (await call(builds, 'RequestBuild', { git })) as { build: string };
  expect(await call(builds, 'CancelBuild', { build })).toMatchObject({ changed: true });
  for (const method of ['RequestBuild', 'GetLog'])
    await expect(call(builds, method, {})).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  await expect(call(builds, 'PublishObject', { object: Buffer.from('x') })).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
  });
  expect(await call(l3af('EventService'), 'GetStatus', {})).toMatchObject({ bus: { connected: true } });
});

test('reflection lists the services and hands out their files', async () => {
  const root = dirname(require.resolve('@grpc/reflection/package.json'));
  const file = join(root, 'build/proto/grpc/reflection/v1/reflection.proto');
  const client = clientOf([file], '/', 'grpc.reflection.v1.ServerReflection') as unknown as {
    ServerReflectionInfo(): AsyncIterable<Message> & { write(message: Message): void; end(): void };
  };
  const call = client.ServerReflectionInfo();
  call.write({ listServices: '*' });
  call.write({ fileContainingSymbol: 'l3af.v1.ChainService' });
  call.end();
  const replies: Message[] = [];
  for await (const reply of call) replies.push(reply);
  const { service } = replies[0]!['listServicesResponse'] as { service: { name: string }[] };
  expect(service.map(({ name }) => name).sort()).toEqual([
    'l3af.v1.BuildService',
    'l3af.v1.ChainService',
    'l3af.v1.EventService',
    'l3af.v1.NodeService',
    'l3af.v1.PackageService',
  ]);
  const { fileDescriptorProto } = replies[1]!['fileDescriptorResponse'] as { fileDescriptorProto: Buffer[] };
  expect(Buffer.concat(fileDescriptorProto).toString('latin1')).toContain('ApplyChain');
});

test('the health service says SERVING when the API is ready', async () => {
  const health = clientOf([healthProto], '/', 'grpc.health.v1.Health');
  await waitFor(async () => (await call(health, 'check', {}))['status'] === 'SERVING', 'SERVING');
});

test('dry runs, retries, rollbacks and explanations', async () => {
  const chains = l3af('ChainService');
  const key = { node: 'demo-1', interface: 'eth3', hook: 'xdp' };
  const kfs = [{ package: 'firewall' }];
  expect(await call(chains, 'applyChain', { key, kfs, options: { dryRun: true } })).toMatchObject({
    ...{ revision: 1, changed: true, dryRun: true, change: { kind: 'apply' } },
  });
  expect(await plane.bus.store.last(chainSubject({ ...key, hook: 'xdp' }))).toBeUndefined();
  expect(await call(chains, 'applyChain', { key, kfs })).toMatchObject({ revision: 1, dryRun: false });
  expect(await call(chains, 'applyChain', { key, kfs })).toMatchObject({ revision: 1, changed: false });
  const retried = await call(chains, 'applyChain', { key, kfs, options: { retry: true } });
  expect(retried).toMatchObject({ revision: 2, changed: true });
  await call(chains, 'clearChain', { key });
  expect(await call(chains, 'rollBackChain', { key, revision: 1 })).toMatchObject({
    ...{ revision: 4, change: { kind: 'rollback' } },
  });
  const step = {
    ...{ kf: 'firewall', package: 'firewall', version: '1.0.0', verdict: 'DROP', proceeded: false },
    ...{ changes: [{ offset: 3, before: '00', after: 'ff' }], lengthBefore: 14, lengthAfter: 14, notes: [] },
  };
  const node = await serveNode(plane.bus, 'demo-1', {
    explain: ({ packet, ...place }) => ({
      ...{ ...place, revision: 4, generation: 1, steps: [step], verdict: 'DROP', leftAt: 'firewall', packet },
    }),
  });
  const packet = Buffer.alloc(14, 7);
  const live = await serveNode(plane.bus, 'demo-1', {
    'explain-start': ({ match, count, seconds }) => ({
      ...{ session: `${match} ${count} ${seconds}`, revision: 4, generation: 2 },
    }),
    'explain-next': ({ session }) => ({
      packets: [
        {
          ...{
            interface: key.interface,
            hook: 'xdp',
            revision: 4,
            generation: 2,
            steps: [step],
            verdict: 'DROP',
          },
          ...{ leftAt: session, number: 1, at: '2026-11-22T08:00:00.000Z', arrived: '0a', packet: '0b' },
          ...{ lengthBefore: 60, lengthAfter: 64 },
        },
      ],
      end: { reason: 'timeout', packets: 1, incomplete: 0 },
    }),
  });
  expect(await collect(chains, 'explainLive', { key, match: 'udp' })).toMatchObject([
    {
      packet: {
        ...{ number: 1, leftAt: 'udp 10 30', steps: [step], lengthAfter: 64 },
        ...{ arrived: Buffer.from([10]), packet: Buffer.from([11]) },
      },
    },
    { end: { reason: 'timeout', packets: 1 } },
  ]);
  await live.stop();
  const counting = await serveNode(plane.bus, 'demo-1', {
    'reset-counters': ({ interface: name, hook, kf, actor }) => ({
      ...{ interface: name, hook, revision: 4, generation: 2 },
      kfs: [{ name: `${kf ?? 'all'} ${actor}`, verdicts: { DROP: 3 }, proceeded: 40 }],
    }),
  });
  const reset = { key, instance: 'firewall' };
  expect(await call(chains, 'resetCounters', reset, { 'x-l3af-actor': 'alice' })).toMatchObject({
    kfs: [{ name: 'firewall alice', verdicts: { DROP: 3 }, proceeded: 40 }],
  });
  await counting.stop();
  expect(await call(chains, 'explainPacket', { key, packet })).toMatchObject({
    ...{ verdict: 'DROP', leftAt: 'firewall', packet, steps: [step] },
  });
  await node.stop();
});
