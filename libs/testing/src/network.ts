import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

/** Two network namespaces with a veth pair between them: a node's interface and its peer. */
export interface VethPair {
  /** Names under /run/netns. */
  netns: string;
  peerNetns: string;
  /** Their paths, as kernel calls and `nsenter --net=` want them. */
  netnsPath: string;
  peerPath: string;
  /** Interface names on both sides. */
  name: string;
  peerName: string;
  ifindex: number;
  peerIfindex: number;
  address4: string;
  peerAddress4: string;
  address6: string;
  peerAddress6: string;
  mac: string;
  peerMac: string;
  /** Runs a command inside a namespace; bpffs stays visible, which `ip netns exec` would hide. */
  run(side: 'node' | 'peer', command: string, ...args: string[]): string;
  /** Sends UDP packets to the other side; returns when the last one is handed to the kernel. */
  sendUdp(from: 'node' | 'peer', options?: { count?: number; port?: number }): void;
  stop(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface VethOptions {
  /** Starts the namespaces' names, so that a left-over tells where it comes from. */
  prefix?: string;
  name?: string;
  peerName?: string;
  mtu?: number;
}

/** A send's callback comes when the kernel took the packet; nobody listens, so answers are refusals that nobody reads. */
const sender = `
const [to, port, count] = process.argv.slice(1);
const socket = require('node:dgram').createSocket('udp4');
let left = Number(count);
const next = () => (left-- > 0 ? socket.send('l3af', Number(port), to, next) : socket.close());
next();
`;

function addressOf(netns: string, name: string): { ifindex: number; mac: string } {
  const [link] = JSON.parse(ip('-n', netns, '-j', 'link', 'show', 'dev', name)) as [
    { ifindex: number; address: string },
  ];
  return { ifindex: link.ifindex, mac: link.address };
}

function deleteNamespace(netns: string): void {
  if (existsSync(`/run/netns/${netns}`)) ip('netns', 'delete', netns);
}

/** Creates both namespaces and the pair, with IPv4 and IPv6 addresses, up and reachable. Requires root. */
export function createVethPair(options: VethOptions = {}): VethPair {
  const { prefix = 'l3aft', name = 'l3af0', peerName = 'peer0', mtu = 1500 } = options;
  const unique = `${prefix}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const [netns, peerNetns] = [`${unique}-n`, `${unique}-p`];
  const stop = (): void => {
    deleteNamespace(netns);
    deleteNamespace(peerNetns);
  };
  try {
    ip('netns', 'add', netns);
    ip('netns', 'add', peerNetns);
    ip('-n', netns, 'link', 'add', name, 'type', 'veth', 'peer', 'name', peerName, 'netns', peerNetns);
    configure(netns, name, { mtu, v4: '10.203.0.1/24', v6: 'fd03:af::1/64' });
    configure(peerNetns, peerName, { mtu, v4: '10.203.0.2/24', v6: 'fd03:af::2/64' });
    const [node, peer] = [addressOf(netns, name), addressOf(peerNetns, peerName)];
    // Known neighbours: no address resolution among the packets that a test counts.
    neighbours(netns, name, { mac: peer.mac, v4: '10.203.0.2', v6: 'fd03:af::2' });
    neighbours(peerNetns, peerName, { mac: node.mac, v4: '10.203.0.1', v6: 'fd03:af::1' });
    return {
      netns,
      peerNetns,
      netnsPath: `/run/netns/${netns}`,
      peerPath: `/run/netns/${peerNetns}`,
      name,
      peerName,
      ifindex: node.ifindex,
      peerIfindex: peer.ifindex,
      mac: node.mac,
      peerMac: peer.mac,
      address4: '10.203.0.1',
      peerAddress4: '10.203.0.2',
      address6: 'fd03:af::1',
      peerAddress6: 'fd03:af::2',
      run: (side, command, ...args) =>
        execFileSync(
          'nsenter',
          [`--net=/run/netns/${side === 'node' ? netns : peerNetns}`, command, ...args],
          {
            encoding: 'utf8',
            stdio: 'pipe',
          },
        ),
      sendUdp(from, { count = 1, port = 4000 } = {}) {
        const to = from === 'peer' ? '10.203.0.1' : '10.203.0.2';
        this.run(from, process.execPath, '-e', sender, to, String(port), String(count));
      },
      stop,
      [Symbol.dispose]: stop,
      [Symbol.asyncDispose]: () => Promise.resolve(stop()),
    };
  } catch (error) {
    stop();
    throw error;
  }
}

function configure(netns: string, name: string, to: { mtu: number; v4: string; v6: string }): void {
  ip('-n', netns, 'link', 'set', 'lo', 'up');
  ip('-n', netns, 'address', 'add', to.v4, 'dev', name);
  ip('-n', netns, 'address', 'add', to.v6, 'dev', name, 'nodad');
  ip('-n', netns, 'link', 'set', name, 'mtu', String(to.mtu), 'up');
}

function neighbours(netns: string, name: string, to: { mac: string; v4: string; v6: string }): void {
  for (const address of [to.v4, to.v6]) {
    ip('-n', netns, 'neigh', 'replace', address, 'lladdr', to.mac, 'dev', name, 'nud', 'permanent');
  }
}
