import { L3afError, type LiveExplanation } from '@l3af/contracts';
import { serveNode } from '@l3af/event-store';
import { freePort, startNats, startPostgres, waitFor, type TestNats, type TestPostgres } from '@l3af/testing';
import request from 'supertest';
import { seed, startControlPlane, type ControlPlane } from '../testing/control-plane';

jest.setTimeout(240_000);

let nats: TestNats;
let postgres: TestPostgres;
let plane: ControlPlane;

beforeAll(async () => {
  [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
  plane = await startControlPlane({
    ...{ natsUrl: nats.url, databaseUrl: postgres.url, grpcPort: await freePort() },
  });
  await seed(plane.bus);
  await waitFor(async () => (await fetch(`${plane.api.url}/readyz`)).ok, 'the API to be ready');
});

afterAll(async () => {
  await plane.close();
  await Promise.all([nats.stop(), postgres.stop()]);
});

const api = () => request(plane.api.url);
const pathOf = (name: string): string => `/v1/nodes/demo-1/chains/${name}/xdp`;

test('live packets are explained by the node until it says that there are no more, or the caller goes', async () => {
  const explained = (number: number): LiveExplanation => ({
    ...{ interface: 'eth3', hook: 'xdp', revision: 1, generation: 2, steps: [], verdict: 'PASS' },
    ...{
      number,
      at: '2026-11-22T08:00:00.000Z',
      arrived: '00',
      packet: '01',
      lengthBefore: 60,
      lengthAfter: 60,
    },
  });
  const sessions: string[] = [];
  let asked = 0;
  const node = await serveNode(plane.bus, 'demo-1', {
    'explain-start': ({ match, ...limits }) => {
      if (match === 'tpc') throw new L3afError('invalid-match', '"tpc" at position 1: needs a condition');
      sessions.push(`start ${match} ${JSON.stringify(limits)}`);
      return { session: match, revision: 1, generation: 2 };
    },
    'explain-next': ({ session }) => {
      if (session === 'endless') return { packets: [] };
      const end = { reason: 'count', packets: 3, incomplete: 0 } as const;
      return asked++ === 0 ? { packets: [explained(1), explained(2)] } : { packets: [explained(3)], end };
    },
    'explain-stop': ({ session }) => {
      sessions.push(`stop ${session}`);
      return {};
    },
  });
  const url = `${plane.api.url}${pathOf('eth3')}/explain/live`;
  const ask = (body: object, signal?: AbortSignal) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
  const text = await (await ask({ match: 'udp', count: 3 })).text();
  expect(text.match(/^event: .*$/gm)).toEqual([
    'event: packet',
    'event: packet',
    'event: packet',
    'event: end',
  ]);
  expect(text).toContain('data: {"reason":"count","packets":3,"incomplete":0}');
  const gone = new AbortController();
  await ask({ match: 'endless' }, gone.signal);
  gone.abort();
  await waitFor(() => sessions.includes('stop endless'), 'the node to be told');
  const place = '"interface":"eth3","hook":"xdp"';
  expect(sessions).toEqual([
    `start udp {${place},"count":3,"seconds":30}`,
    `start endless {${place},"count":10,"seconds":30}`,
    'stop endless',
  ]);
  const refused = await ask({ match: 'tpc' });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ code: 'invalid-match' });
  expect((await ask({ count: 0 })).status).toBe(400);
  await node.stop();
});

test('counters are reset by the node, which is told who asked', async () => {
  const asked: unknown[] = [];
  const kfs = [{ name: 'firewall', verdicts: { DROP: 3 }, proceeded: 40 }];
  const node = await serveNode(plane.bus, 'demo-1', {
    'reset-counters': ({ interface: name, hook, ...request }) => {
      asked.push(request);
      if (request.kf === 'nope') throw new L3afError('unknown-instance', 'no such KF');
      return { interface: name, hook, revision: 1, generation: 2, kfs };
    },
  });
  const reset = (body: object) =>
    api()
      .post(`${pathOf('eth3')}/counters/reset`)
      .set('x-l3af-actor', 'alice')
      .set('x-l3af-reason', 'a%20test')
      .set('x-correlation-id', 'c-1')
      .send(body);
  expect((await reset({}).expect(200)).body).toMatchObject({ generation: 2, kfs });
  await reset({ kf: 'nope' }).expect(404, /"unknown-instance"/);
  await reset({ kfs: 'x' }).expect(400);
  const who = { actor: 'alice', reason: 'a test', correlationId: 'c-1' };
  expect(asked).toEqual([who, { ...who, kf: 'nope' }]);
  await node.stop();
});
