// The demonstration's traffic, run inside the namespaces by nsenter: `answer` beside l3af0, `send` at the peer.
// About 25 packets a second: ICMP, TCP and UDP, IPv4 and IPv6, and a stranger whom the demonstration's firewall denies.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { addresses } from './network.mjs';

/** Ports that the node's side answers on. */
export const trafficPorts = { tcp: 8080, udp: [5300, 9999] };

const intervals = { tcpMs: 500, udpMs: 100, pingSeconds: 0.5 };

function answer() {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy()); // a chain that drops in the middle resets connections
    socket.pipe(socket);
  });
  server.listen(trafficPorts.tcp, '::');
  for (const port of trafficPorts.udp) {
    const socket = createSocket({ type: 'udp6', ipv6Only: false });
    socket.on('message', (message, from) => socket.send(message, from.port, from.address));
    socket.on('error', () => undefined); // the way back may be closed by a chain
    socket.bind(port, '::');
  }
}

/** pdeathsig: ping ends with this program, however that ends. */
function ping(target, source) {
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'ping', '-q', '-n', '-i', String(intervals.pingSeconds), '-I', source, target],
    { stdio: 'ignore' },
  );
  child.on('exit', () => setTimeout(() => ping(target, source), 1000)); // while the interface is away ping gives up
}

function sendTcp(host) {
  const socket = connect({ host, port: trafficPorts.tcp });
  socket.setTimeout(400, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('connect', () => socket.write('hello'));
  socket.on('data', () => socket.end());
}

function alternate(ms, actions) {
  let turn = 0;
  setInterval(() => actions[turn++ % actions.length](), ms);
}

function send() {
  ping(addresses.node.ipv4, addresses.peer.ipv4);
  ping(addresses.node.ipv6, addresses.peer.ipv6);
  ping(addresses.node.ipv4, addresses.stranger.ipv4);
  ping(addresses.node.ipv6, addresses.stranger.ipv6);
  alternate(intervals.tcpMs, [() => sendTcp(addresses.node.ipv4), () => sendTcp(addresses.node.ipv6)]);
  const sockets = { ipv4: createSocket('udp4'), ipv6: createSocket('udp6') };
  for (const socket of Object.values(sockets)) socket.on('error', () => undefined);
  const datagrams = trafficPorts.udp.flatMap((port) =>
    Object.entries(sockets).map(
      ([family, socket]) =>
        () =>
          socket.send('l3af', port, addresses.node[family], () => undefined),
    ),
  );
  alternate(intervals.udpMs, datagrams);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const role = process.argv[2];
  if (role === 'answer') answer();
  else if (role === 'send') send();
  else throw new Error(`Cannot start traffic "${role}": the roles are answer and send`);
}
