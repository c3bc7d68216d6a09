import { spawn } from 'node:child_process';

/** Bursts with a turn of the event loop between them: a send that succeeds at once would starve the signal. */
const floodScript = `
const socket = require('node:dgram').createSocket('udp4');
let sent = 0, stop = false;
process.on('SIGTERM', () => { stop = true; });
const burst = () => {
  if (stop) return process.stdout.write(String(sent), () => process.exit(0));
  let waiting = 64;
  const done = (error) => {
    if (!error) sent++;
    if (--waiting === 0) setImmediate(burst);
  };
  for (let count = 0; count < 64; count++) socket.send('l3af', 4000, '10.203.0.1', done);
};
socket.bind(0, burst);`;

/** Sends UDP packets to port 4000 of the pair from its peer as fast as it can, until it is stopped; tells how many were sent. */
export function startFlood(pair: { peerPath: string }): { stop(): Promise<number> } {
  const sender = spawn('nsenter', [`--net=${pair.peerPath}`, process.execPath, '-e', floodScript], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let sent = '';
  sender.stdout.on('data', (data: Buffer) => (sent += data.toString()));
  return {
    stop: async () => {
      sender.kill('SIGTERM');
      await new Promise((resolve) => sender.on('close', resolve));
      return Number(sent);
    },
  };
}
