import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { waitFor } from '@l3af/testing';
import { ping, Stack, type Endpoints } from './e2e/stack';

interface Chain {
  desired: { revision: number; kfs: { name: string }[] };
  reported: {
    revision: number;
    state: string;
    kfs: { name: string; programId: number; verdicts?: Record<string, number>; proceeded?: number }[];
  };
}

const stranger = { ipv4: '203.0.113.7', ipv6: '2001:db8::7' };

const readChain = async (api: string): Promise<Chain> => {
  const response = await fetch(`${api}/v1/nodes/demo-1/chains/l3af0/xdp`);
  if (!response.ok) throw new Error(`chain: ${response.status}`);
  return (await response.json()) as Chain;
};

/** The chain once it is live and the node itself has answered; asked again while services come back. */
const liveChain = (api: string): Promise<Chain> =>
  waitFor(async () => {
    const chain = await readChain(api).catch(() => undefined);
    const live = chain?.reported.state === 'live' && chain.reported.revision === chain.desired.revision;
    return live && chain.reported.kfs.every(({ verdicts }) => verdicts !== undefined) ? chain : undefined;
  }, 'a live chain');

const programs = (chain: Chain): number[] => chain.reported.kfs.map(({ programId }) => programId);
const drops = (chain: Chain): number => chain.reported.kfs[0]?.verdicts?.['DROP'] ?? 0;
const isRunning = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

/** The stranger is kept out and the peer is let through, IPv4 and IPv6: what the chain is for. */
async function expectFiltered({ nodes: [node] }: Endpoints): Promise<void> {
  const { peerNetns, addresses, peerAddresses } = node!;
  const answered = await Promise.all([
    ping(peerNetns, addresses.ipv4, peerAddresses.ipv4),
    ping(peerNetns, addresses.ipv6, peerAddresses.ipv6),
    ping(peerNetns, addresses.ipv4, stranger.ipv4),
    ping(peerNetns, addresses.ipv6, stranger.ipv6),
  ]);
  expect(answered).toEqual([true, true, false, false]);
}

function expectNothingLeft(stack: Stack, endpoints: Endpoints): void {
  expect(endpoints.processes.filter(({ pid }) => isRunning(pid))).toEqual([]);
  const [node] = endpoints.nodes;
  expect([node!.netns, node!.peerNetns].filter((name) => existsSync(`/run/netns/${name}`))).toEqual([]);
  const instance = node!.netns.split('-')[1]!;
  expect(existsSync(`/sys/fs/bpf/l3af/${instance}`)).toBe(false);
  const marked = readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`L3AF_SUPERVISED=${instance}\0`)
      );
    } catch {
      return false;
    }
  });
  expect(marked).toEqual([]);
  expect(existsSync(`${stack.home}/endpoints.json`)).toBe(false);
}

describe('up', () => {
  let stack: Stack;
  let endpoints: Endpoints;

  beforeAll(async () => {
    stack = await Stack.create();
    endpoints = await stack.up();
  });
  afterAll(() => stack.remove());

  it('prints where everything is, and everything runs', () => {
    expect(endpoints.api).toBe(`http://127.0.0.1:${stack.portBase}`);
    expect(endpoints.nodes[0]).toMatchObject({ name: 'demo-1', interfaces: ['l3af0'] });
    const services = endpoints.processes.map(({ service }) => service);
    expect(services).toEqual(
      expect.arrayContaining([
        'nats-server',
        'postgres',
        'deploy-api',
        'config-store',
        'build-engine',
        'artifact-registry',
        'executor',
      ]),
    );
    expect(endpoints.processes.filter(({ pid }) => !isRunning(pid))).toEqual([]);
    expect(stack.endpoints()).toEqual(endpoints);
  });

  it('has a live chain of three that filters the traffic of the peer', async () => {
    const chain = await liveChain(endpoints.api);
    expect(chain.desired.kfs).toHaveLength(3);
    await waitFor(
      async () => drops(await readChain(endpoints.api)) > 0,
      'packets of the stranger to be dropped',
    );
    await expectFiltered(endpoints);
  });

  it.each([
    'executor',
    'deploy-api',
    'config-store',
    'build-engine',
    'artifact-registry',
    'nats-server',
    'postgres',
    'traffic-answer',
    'traffic-send',
  ])('loses nothing when %s is killed, and disturbs no packet', async (service) => {
    const before = await liveChain(endpoints.api);
    const pid = stack.pidOf(service)!;
    process.kill(pid, 'SIGKILL');
    if (service !== 'traffic-answer') await expectFiltered(endpoints);
    await waitFor(() => {
      const now = stack.pidOf(service);
      return now !== undefined && now !== pid && isRunning(now);
    }, `${service} to be started again`);
    const after = await liveChain(endpoints.api);
    expect(after.desired).toEqual(before.desired);
    expect(programs(after)).toEqual(programs(before));
    expect(drops(after)).toBeGreaterThanOrEqual(drops(before));
    await expectFiltered(endpoints);
  });

  it('is started again by one command after everything was killed, the supervisor too', async () => {
    const before = await liveChain(endpoints.api);
    const { processes } = stack.endpoints();
    process.kill(stack.pidOf('supervisor')!, 'SIGKILL');
    for (const { pid, service } of processes) if (service !== 'supervisor') process.kill(pid, 'SIGKILL');
    await expectFiltered(endpoints);
    endpoints = await stack.up();
    const after = await liveChain(endpoints.api);
    expect(after.desired).toEqual(before.desired);
    expect(programs(after)).toEqual(programs(before));
    await expectFiltered(endpoints);
  });

  it('adopts what runs when only the supervisor was killed', async () => {
    const before = stack.endpoints();
    process.kill(stack.pidOf('supervisor')!, 'SIGKILL');
    endpoints = await stack.up();
    const withoutSupervisor = ({ processes }: Endpoints): Endpoints['processes'] =>
      processes.filter(({ service }) => service !== 'supervisor');
    expect(withoutSupervisor(endpoints)).toEqual(withoutSupervisor(before));
  });

  it('takes a change of the chain, and keeps it over down and up', async () => {
    const removed = await stack.l3af('chain', 'remove', 'demo-1', 'l3af0', 'xdp', 'edge-firewall');
    expect([removed.code, removed.code === 0 ? '' : removed.stderr]).toEqual([0, '']);
    const { nodes } = endpoints;
    const { peerNetns, addresses } = nodes[0]!;
    // The firewall was what kept the stranger out; the way back to it is known.
    expect(await ping(peerNetns, addresses.ipv4, stranger.ipv4)).toBe(true);
    const before = endpoints;
    await stack.down();
    expectNothingLeft(stack, before);
    endpoints = await stack.up();
    const chain = await liveChain(endpoints.api);
    expect(chain.desired.kfs.map(({ name }) => name)).toEqual(['fair-share', 'flow-counter']);
  });

  it('runs beside another, and neither touches the other', async () => {
    const other = await Stack.create();
    try {
      const others = await other.up();
      await liveChain(others.api);
      expect(others.nodes[0]!.netns).not.toBe(endpoints.nodes[0]!.netns);
      await other.down();
      expectNothingLeft(other, others);
    } finally {
      await other.remove();
    }
    expect(endpoints.processes.filter(({ pid }) => !isRunning(pid))).toEqual([]);
    await liveChain(endpoints.api);
  });

  it('leaves nothing after down', async () => {
    const before = stack.endpoints();
    await stack.down();
    expectNothingLeft(stack, before);
  });
});

describe('up, when a port is taken', () => {
  it('names the port, what holds it and the option', async () => {
    const stack = await Stack.create();
    const server: Server = createServer();
    await new Promise<void>((resolve) => server.listen(stack.portBase + 2, '127.0.0.1', resolve));
    try {
      const { code, stderr } = await stack.node(
        'infra/up.mjs',
        '--detach',
        '--port-base',
        String(stack.portBase),
      );
      expect(code).toBe(1);
      expect(stderr).toContain(`Cannot listen on port ${stack.portBase + 2} (registry)`);
      expect(stderr).toContain('--port-base');
    } finally {
      await new Promise((resolve) => server.close(resolve));
      await stack.remove();
    }
  });

  it('refuses an unknown option', async () => {
    const stack = await Stack.create();
    const { code, stderr } = await stack.node('infra/up.mjs', '--detached');
    expect([code, stderr.includes('--detach')]).toEqual([2, true]);
    await stack.remove();
  });
});
