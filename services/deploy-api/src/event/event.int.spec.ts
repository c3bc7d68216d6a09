import { get as httpGet, type IncomingMessage } from 'node:http';
import { reportSubject, type L3afEvent } from '@l3af/contracts';
import { waitFor } from '@l3af/testing';
import { documentOf, keyOf, pathOf } from '../testing/chain-of';
import { openApi, reportApplied } from '../testing/control-plane';
import { useControlPlane } from '../testing/use-control-plane';

const plane = useControlPlane();

interface Message {
  id: number | undefined;
  event: string;
  data: { sequence: number; subject: string; envelope: { events: L3afEvent[] } };
}

/** A reader of server-sent events that keeps what it has got. */
class Reader {
  readonly messages: Message[] = [];
  ended = false;
  status = 0;
  private buffered = '';
  private readonly outgoing;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.outgoing = httpGet(url, { headers }, (response) => this.read(response));
    this.outgoing.on('error', () => (this.ended = true));
  }

  stop(): void {
    this.outgoing.destroy();
  }

  get ids(): (number | undefined)[] {
    return this.messages.map(({ id }) => id);
  }

  private read(response: IncomingMessage): void {
    this.status = response.statusCode ?? 0;
    response.setEncoding('utf8');
    response.on('close', () => (this.ended = true));
    response.on('data', (chunk: string) => {
      const blocks = (this.buffered + chunk).split('\n\n');
      this.buffered = blocks.pop() ?? '';
      this.messages.push(...blocks.filter((block) => block.includes('data: ')).map(parse));
    });
  }
}

function parse(block: string): Message {
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
  const id = field('id');
  return {
    id: id === undefined ? undefined : Number(id),
    event: field('event') ?? '',
    data: JSON.parse(field('data') ?? 'null') as Message['data'],
  };
}

const open = (path: string, headers?: Record<string, string>): Reader =>
  new Reader(plane.url + path, headers);
const apply = async (
  name: string,
  kfs: object[],
): Promise<{ revision: number; sequence: number; watch: string }> => {
  const { body } = await plane.api().put(pathOf(name)).send(documentOf(name, kfs)).expect(202);
  return body as { revision: number; sequence: number; watch: string };
};

test('everything stored so far, and no more', async () => {
  const reader = open('/v1/events?follow=false');
  await waitFor(() => reader.ended, 'the stream to end');
  expect(reader.messages.map(({ id, event }) => [id, event])).toEqual([
    [1, 'NodeRegistered'],
    [2, 'PackagePublished'],
    [3, 'PackagePublished'],
    [4, 'PackageYanked'],
    [5, 'PackagePublished'],
    [6, 'PackageVerified'],
    [7, 'PackageVerified'],
  ]);
  expect(reader.messages[1]?.data).toMatchObject({
    sequence: 2,
    subject: 'l3af.evt.package.firewall',
    envelope: { actor: 'spec', events: [{ type: 'PackagePublished' }] },
  });
});

test('following goes on where the reader left off', async () => {
  const reader = open('/v1/events?subject=l3af.evt.chain.>');
  const first = await apply('l3af0', [{ package: 'firewall' }]);
  await waitFor(() => reader.messages.length === 1, 'the first change');
  reader.stop();
  const missed = await apply('l3af0', []);
  const later = open('/v1/events?subject=l3af.evt.chain.>', { 'last-event-id': String(first.sequence) });
  const live = await apply('l3af0', [{ package: 'firewall' }]);
  await waitFor(() => later.messages.length === 2, 'both changes');
  expect(later.ids).toEqual([missed.sequence, live.sequence]);
  later.stop();
});

test('the watch of a revision ends with its report, and is over after that', async () => {
  const { revision, watch } = await apply('eth0', [{ package: 'firewall' }]);
  const reader = open(watch);
  const other = open('/v1/nodes/demo-1/chains/eth0/xdp/watch');
  await plane.bus.store.append({
    subject: reportSubject(keyOf('eth0')),
    actor: 'node/demo-1',
    events: [
      {
        type: 'ChainDrifted',
        version: 1,
        data: { ...keyOf('eth0'), revision: 0, drift: 'detached', detail: '', action: 'left' },
      },
    ],
  });
  await reportApplied(plane.bus, keyOf('eth0'), revision);
  await waitFor(() => reader.ended && other.ended, 'the watches to end');
  for (const { messages } of [reader, other]) {
    expect(messages.map(({ event }) => event)).toEqual(['ChainDrifted', 'ChainApplied']);
  }
  const again = open(watch, { 'last-event-id': String(reader.ids.at(-1)) });
  await waitFor(() => again.ended, 'the answer');
  expect(again.status).toBe(204);
  const late = open(watch);
  await waitFor(() => late.ended, 'the late watch to end');
  expect(late.ids).toEqual(reader.ids);
});

test('a later revision settles an earlier one that the node has skipped', async () => {
  const first = await apply('eth1', [{ package: 'firewall' }]);
  const second = await apply('eth1', []);
  const reader = open(first.watch);
  await reportApplied(plane.bus, keyOf('eth1'), second.revision);
  await waitFor(() => reader.ended, 'the watch to end');
  expect(reader.messages).toHaveLength(1);
});

test.each([
  ['/v1/events?subject=l3af.live.>', 400],
  ['/v1/events?from=-1', 400],
  ['/v1/events?follow=perhaps', 400],
  ['/v1/nodes/demo-1/chains/nope/xdp/watch', 404],
])('%s is refused with %i', async (path, status) => {
  await plane
    .api()
    .get(path)
    .expect(status)
    .expect('content-type', /problem\+json/);
});

test('a wrong Last-Event-ID is refused', async () => {
  await plane.api().get('/v1/events').set('last-event-id', 'x').expect(400);
});

test('streams go on after NATS was away, and miss nothing', async () => {
  const reader = open('/v1/events?subject=l3af.evt.chain.*.eth2.>');
  const first = await apply('eth2', [{ package: 'firewall' }]);
  await waitFor(() => reader.messages.length === 1, 'the first change');
  await plane.nats.restart();
  await waitFor(async () => (await fetch(`${plane.url}/readyz`)).ok, 'the API to be ready again');
  const second = await apply('eth2', []);
  await waitFor(() => reader.messages.length === 2, 'the change after the outage');
  expect(reader.ids).toEqual([first.sequence, second.sequence]);
  reader.stop();
});

test('stopping the service ends its streams', async () => {
  const api = await openApi({ natsUrl: plane.nats.url });
  await waitFor(async () => (await fetch(`${api.url}/readyz`)).ok, 'the second API to be ready');
  const reader = new Reader(`${api.url}/v1/events`);
  await waitFor(() => reader.messages.length > 0, 'the first event');
  await api.close();
  await waitFor(() => reader.ended, 'the stream to end');
});
