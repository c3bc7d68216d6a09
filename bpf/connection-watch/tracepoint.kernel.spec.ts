import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { deriveSchema, decodeMapValue } from '@l3af/bpf-object';
import { type HookTarget, loadGeneration, openKfMap, removeInstance, swapTo } from '@l3af/kernel';
import { createVethPair, waitFor } from '@l3af/testing';
import { compile } from '../testing/compile';

type Connections = Record<'requests' | 'accepted' | 'opened' | 'closed' | 'failed', number>;

/** The tracepoint counts for the whole host, so these are lower bounds: others connect as well. */
describe('the tracepoint of connection-watch', () => {
  const object = compile('connection-watch/connection-watch.bpf.c');
  const map = deriveSchema(object).maps.find(({ name }) => name === 'connections');
  const pair = createVethPair({ prefix: 'l3afcw' });
  const target: HookTarget = {
    instance: `test-connection-watch-${process.pid}`,
    node: 'test',
    interface: pair.name,
    hook: 'xdp',
    ifindex: pair.ifindex,
    netns: pair.netnsPath,
  };
  afterAll(() => {
    removeInstance(target.instance);
    pair.stop();
  });

  function read(): Connections {
    if (!map) throw new Error('no map connections');
    using opened = openKfMap(target, 1, { kf: 'watch', map: 'connections' });
    const bytes = opened.lookup(new Uint8Array(4)) ?? new Uint8Array();
    const total: Connections = { requests: 0, accepted: 0, opened: 0, closed: 0, failed: 0 };
    for (let at = 0; at < bytes.length; at += map.valueBytes) {
      const value = decodeMapValue(map, bytes.subarray(at, at + map.valueBytes)) as Connections;
      for (const name of Object.keys(total) as (keyof Connections)[]) total[name] += Number(value[name]);
    }
    return total;
  }

  test('is attached with the chain and counts what becomes of connections', async () => {
    await loadGeneration(target, {
      generation: 1,
      metadata: '',
      kfs: [
        {
          ...{ name: 'watch', object, program: 'connection_watch', digest: '', proceedOn: [2] },
          ...{ enabled: true, constants: [], writes: [], state: 'fresh' },
        },
      ],
    });
    swapTo(target, 1);
    const before = read();

    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (let count = 0; count < 3; count++) {
      const socket = connect(port, '127.0.0.1').resume();
      await once(socket, 'close');
    }
    server.close();
    await once(server, 'close');
    await refused(connect(port, '127.0.0.1'));

    await waitFor(() => read().closed >= before.closed + 6, 'the ends of three connections');
    const after = read();
    expect(after.opened).toBeGreaterThanOrEqual(before.opened + 3);
    expect(after.accepted).toBeGreaterThanOrEqual(before.accepted + 3);
    expect(after.failed).toBeGreaterThanOrEqual(before.failed + 1);
  });

  test('counts requests on the interface', () => {
    const before = read().requests;
    // Nobody listens: the answer is a reset, and no state changes.
    expect(() => pair.run('peer', 'bash', '-c', `exec 3<>/dev/tcp/${pair.address4}/9`)).toThrow();
    expect(read().requests).toBe(before + 1);
  });
});

async function refused(socket: Socket): Promise<void> {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNREFUSED');
}
