import { L3afError, type ChainView, type LiveExplanation } from '@l3af/contracts';
import { serveNode } from '@l3af/event-store';
import { waitFor } from '@l3af/testing';
import { documentOf, keyOf, pathOf } from '../testing/chain-of';
import { reportApplied } from '../testing/control-plane';
import { useControlPlane } from '../testing/use-control-plane';

const plane = useControlPlane();
const { api } = plane;
const deploy = () =>
  api()
    .put(pathOf('eth3'))
    .send(documentOf('eth3', [{ package: 'firewall' }]))
    .expect(202);

test('counters come live from the node, and its maps', async () => {
  await deploy();
  await reportApplied(plane.bus, keyOf('eth3'), 1);
  const node = await serveNode(plane.bus, 'demo-1', {
    chains: () => [
      {
        ...{ interface: 'eth3', hook: 'xdp', revision: 1, generation: 1, mode: 'native', broken: 0 },
        kfs: [{ name: 'firewall', programId: 7, verdicts: { DROP: 3 }, proceeded: 40 }],
      },
    ],
    'map-dump': ({ kf, map }) => ({
      ...{ map, type: 'hash', entries: [{ key: kf, value: { packets: 1 } }], truncated: false },
    }),
  });
  const view = await waitFor(async () => {
    const { body } = await api().get(pathOf('eth3')).expect(200);
    return (body as ChainView).reported?.revision === 1 && (body as ChainView);
  }, 'the report');
  expect(view.reported).toMatchObject({
    state: 'live',
    kfs: [{ name: 'firewall', programId: 7, verdicts: { DROP: 3 }, proceeded: 40 }],
  });
  const map = await api()
    .get(`${pathOf('eth3')}/kfs/firewall/maps/counters`)
    .expect(200);
  expect(map.body).toMatchObject({ map: 'counters', entries: [{ key: 'firewall', value: { packets: 1 } }] });
  await node.stop();
});

test('a packet is explained by the node', async () => {
  const explain = (name: string, body: object) =>
    api()
      .post(`${pathOf(name)}/explain`)
      .send(body);
  const packet = 'ab'.repeat(60);
  const node = await serveNode(plane.bus, 'demo-1', {
    explain: ({ interface: name, hook, packet: given }) => {
      if (name !== 'eth3') throw new L3afError('unknown-chain', 'none is live');
      return {
        ...{ interface: name, hook, revision: 1, generation: 1, steps: [], verdict: 'PASS', packet: given },
      };
    },
  });
  const found = await explain('eth3', { packet }).expect(200);
  expect(found.body).toMatchObject({ interface: 'eth3', verdict: 'PASS', packet });
  await explain('eth2', { packet }).expect(404, /"unknown-chain"/);
  await explain('eth3', { packet: 'abc' }).expect(400, /must be 14 to 16384 bytes in hex/);
  await node.stop();
  await explain('eth3', { packet }).expect(504, /"node-silent"/);
});

test('a chain is timed by the node', async () => {
  const node = await serveNode(plane.bus, 'demo-1', {
    time: ({ interface: name, hook, seconds }) => ({
      ...{ interface: name, hook, revision: 1, seconds },
      kfs: [{ name: 'firewall', nanoseconds: 31, packets: 900 }],
    }),
  });
  const time = (body: object) =>
    api()
      .post(`${pathOf('eth3')}/time`)
      .send(body);
  expect((await time({ seconds: 2 }).expect(200)).body).toMatchObject({
    seconds: 2,
    kfs: [{ nanoseconds: 31 }],
  });
  expect((await time({}).expect(200)).body).toMatchObject({ seconds: 5 });
  await time({ seconds: 600 }).expect(400, /seconds/);
  await node.stop();
});

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
  const url = `${plane.url}${pathOf('eth3')}/explain/live`;
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

test('a node that is not heard is silent, and says nothing of its maps', async () => {
  await deploy();
  await reportApplied(plane.bus, keyOf('eth3'), 1);
  const state = async (): Promise<unknown> =>
    ((await api().get(pathOf('eth3'))).body as ChainView).reported?.state;
  await waitFor(async () => (await state()) === 'silent', 'the chain to be silent');
  await api()
    .get(`${pathOf('eth3')}/kfs/firewall/maps/m`)
    .expect(504, /"node-silent"/);
});
