import { chainSubject, type StatusView } from '@l3af/contracts';
import { connectBus, queryConfig, type Bus } from '@l3af/event-store';
import { startNats, waitFor } from '@l3af/testing';
import request from 'supertest';
import type { RunningApi } from '../start';
import { keyOf, pathOf } from '../testing/chain-of';
import { openApi } from '../testing/control-plane';
import { useControlPlane } from '../testing/use-control-plane';

const plane = useControlPlane();
const { api } = plane;

const path = pathOf('l3af0');
const insert = (name: string) =>
  api()
    .post(`${path}/kfs`)
    .send({ kf: { package: 'firewall', name } });
const ready = async (): Promise<number> => (await fetch(`${plane.url}/readyz`)).status;
const status = async (): Promise<StatusView> =>
  (await api().get('/v1/status').expect(200)).body as StatusView;

test('while NATS is away: 503 that say so, nothing is stored; afterwards all goes on', async () => {
  await insert('before').expect(202);
  await plane.nats.halt();
  const refused = await insert('during').expect(503, /"bus-unavailable"/);
  expect(refused.headers['retry-after']).toBe('1');
  expect(await ready()).toBe(503);
  expect((await fetch(`${plane.url}/livez`)).status).toBe(200);
  expect(await status()).toMatchObject({
    bus: { connected: false },
    problems: [{ code: 'bus-unavailable' }, { code: 'registry-unavailable' }],
  });
  await plane.nats.restart();
  await waitFor(async () => (await ready()) === 200, 'the API to be ready again');
  expect(await status()).toMatchObject({ bus: { connected: true } });
  await insert('after').expect(202);
  // By a connection of the spec's own, which may be back later than the API's.
  const last = await waitFor(() => plane.bus.store.last(chainSubject(keyOf('l3af0'))), 'the chain');
  expect(last.events).toMatchObject([{ data: { kfs: [{ name: 'before' }, { name: 'after' }] } }]);
});

test('while Postgres is away: 503 that say so, and all goes on when it is back', async () => {
  await plane.postgres.halt();
  await insert('without').expect(503, /"store-unavailable"/);
  await api()
    .get(path)
    .expect(503, /"store-unavailable"/);
  const view = await status();
  expect(view).toMatchObject({
    bus: { connected: true },
    registry: { url: 'http://127.0.0.1:1', reachable: false },
    problems: [{ code: 'store-unavailable' }, { code: 'registry-unavailable' }],
  });
  await plane.postgres.restart();
  await waitFor(async () => (await ready()) === 200, 'the API to be ready again');
  await insert('again').expect(202);
});

describe('started before NATS', () => {
  let late: RunningApi;

  afterEach(() => late.close());

  test('it answers at once, is not ready, and becomes so by itself', async () => {
    await using other = await startNats();
    await other.halt();
    late = await openApi({ natsUrl: other.url });
    expect((await fetch(`${late.url}/livez`)).status).toBe(200);
    await request(late.url)
      .get('/v1/nodes')
      .expect(503, /"bus-unavailable"/);
    await request(late.url)
      .get('/readyz')
      .expect(503, /not connected yet/);
    await other.restart();
    const store = await waitFor(async () => {
      const { body } = await request(late.url).get('/readyz');
      return JSON.stringify(body).includes('store-unavailable');
    }, 'NATS to be found, config-store not');
    expect(store).toBe(true);
  });

  test('a NATS without JetStream is named as the reason', async () => {
    await using plain = await startNats({ jetStream: false });
    late = await openApi({ natsUrl: plain.url });
    await waitFor(async () => {
      const { text } = await request(late.url).get('/readyz').expect(503);
      return text.includes('bus-unsuitable');
    }, 'the reason');
  });
});

test('a request that is under way is answered before the service stops', async () => {
  const bus: Bus = await connectBus({ servers: plane.nats.url, name: 'spec' });
  const api = await openApi({ natsUrl: plane.nats.url });
  await waitFor(async () => (await fetch(`${api.url}/readyz`)).ok, 'the API to be ready');
  await queryConfig(bus, 'status', {});
  const answers = Array.from({ length: 10 }, (_, at) =>
    request(api.url)
      .post('/v1/nodes/demo-1/chains/eth0/xdp/kfs')
      .send({ kf: { package: 'firewall', name: `k${at % 3}` } })
      .then(({ status: code }) => code),
  );
  const first = await Promise.race(answers);
  await api.close();
  const codes = await Promise.all(answers.map((answer) => answer.catch(() => 0)));
  expect(first).toBe(202);
  expect(codes.every((code) => [0, 202, 409, 422].includes(code))).toBe(true);
  await bus.close();
});
